"""Build a filter graph as a value, and write it as text for ffmpeg.

A stream is a filter and its input streams. The text splits a stream that is used twice and adds
the labels, so code builds a branching graph as an expression.
"""

import re
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class FilterStream:
    """The output of a filter. A stream without inputs takes the input of the graph."""

    filter: str  # one filter with its options, or several with commas between
    inputs: tuple["FilterStream", ...] = ()

    def then(self, filter: str) -> "FilterStream":
        """Return this stream after one more filter; "" changes nothing."""
        return FilterStream(filter, (self,)) if filter else self


def combine(filter: str, *inputs: FilterStream) -> FilterStream:
    """Return the output of a filter with several inputs."""
    return FilterStream(filter, inputs)


def graph_text(last: FilterStream) -> str:
    """Return the graph that ends in this stream, in ffmpeg's syntax.

    >>> source = FilterStream("setparams=range=tv")
    >>> graph_text(source.then("gblur=2").then("eq"))
    'setparams=range=tv,gblur=2,eq'
    >>> graph_text(combine("limitdiff", source.then("gblur=2"), source))
    'setparams=range=tv,split=2[a0][a1];[a0]gblur=2[a2];[a2][a1]limitdiff'
    """
    uses: Counter[FilterStream] = Counter()

    def count(stream: FilterStream) -> None:
        uses[stream] += 1
        if uses[stream] == 1:
            for one in stream.inputs:
                count(one)

    parts: list[str] = []
    labels: dict[FilterStream, list[str]] = {}
    numbers = iter(range(1000))

    def labelled(stream: FilterStream) -> str:
        if stream not in labels:
            written = chain(stream)
            labels[stream] = [f"[a{next(numbers)}]" for _ in range(uses[stream])]
            split = f",split={uses[stream]}" if uses[stream] > 1 else ""
            parts.append(written + split + "".join(labels[stream]))
        return labels[stream].pop(0)

    def chain(stream: FilterStream) -> str:
        if len(stream.inputs) == 1 and uses[stream.inputs[0]] == 1:
            return f"{chain(stream.inputs[0])},{stream.filter}"
        return "".join(labelled(one) for one in stream.inputs) + stream.filter

    count(last)
    parts.append(chain(last))
    return ";".join(parts)


def filter_names(graph: str) -> list[str]:
    """Return the names of the filters in a graph, each once, in order.

    >>> filter_names("setparams=range=tv,split=2[a0][a1];[a0]lutyuv=y='clip(val,1,2)'[a2]")
    ['setparams', 'split', 'lutyuv']
    >>> filter_names(r"lut3d=file='/it'\\''s;/a,b.cube',null")
    ['lut3d', 'null']
    """
    bare = re.sub(r"\\.|'[^']*'|\[\w*\]", "", graph)
    return list(dict.fromkeys(part.partition("=")[0] for part in re.split("[,;]", bare)))
