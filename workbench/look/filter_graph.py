"""Graph: a filter graph as a value, and its text for ffmpeg.

A picture is a filter and the pictures that go into it; one that is used twice is split where the
text is written. So a chain with branches reads as an expression, and no label is ever invented.
"""

import re
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class FilterStream:
    """What comes out of a filter. One without inputs takes what the graph is fed with."""

    filter: str  # one filter with its options, or several with commas between
    inputs: tuple["FilterStream", ...] = ()

    def then(self, filter: str) -> "FilterStream":
        """Return this picture after one more filter; an empty one changes nothing."""
        return FilterStream(filter, (self,)) if filter else self


def combine(filter: str, *inputs: FilterStream) -> FilterStream:
    """Return what a filter makes of several pictures."""
    return FilterStream(filter, inputs)


def graph_text(last: FilterStream) -> str:
    """Write the graph that ends in this picture, as ffmpeg reads it.

    >>> seen = FilterStream("setparams=range=tv")
    >>> graph_text(seen.then("gblur=2").then("eq"))
    'setparams=range=tv,gblur=2,eq'
    >>> graph_text(combine("limitdiff", seen.then("gblur=2"), seen))
    'setparams=range=tv,split=2[a0][a1];[a0]gblur=2[a2];[a2][a1]limitdiff'
    """
    uses: Counter[FilterStream] = Counter()

    def count(picture: FilterStream) -> None:
        uses[picture] += 1
        if uses[picture] == 1:
            for one in picture.inputs:
                count(one)

    parts: list[str] = []
    labels: dict[FilterStream, list[str]] = {}
    numbers = iter(range(1000))

    def labelled(picture: FilterStream) -> str:
        if picture not in labels:
            written = chain(picture)
            labels[picture] = [f"[a{next(numbers)}]" for _ in range(uses[picture])]
            split = f",split={uses[picture]}" if uses[picture] > 1 else ""
            parts.append(written + split + "".join(labels[picture]))
        return labels[picture].pop(0)

    def chain(picture: FilterStream) -> str:
        if len(picture.inputs) == 1 and uses[picture.inputs[0]] == 1:
            return f"{chain(picture.inputs[0])},{picture.filter}"
        return "".join(labelled(one) for one in picture.inputs) + picture.filter

    count(last)
    parts.append(chain(last))
    return ";".join(parts)


def filter_names(graph: str) -> list[str]:
    """Return the filters that a graph is made of, each once, in order.

    >>> filter_names("setparams=range=tv,split=2[a0][a1];[a0]lutyuv=y='clip(val,1,2)'[a2]")
    ['setparams', 'split', 'lutyuv']
    >>> filter_names(r"lut3d=file='/it'\\''s;/a,b.cube',null")
    ['lut3d', 'null']
    """
    bare = re.sub(r"\\.|'[^']*'|\[\w*\]", "", graph)
    return list(dict.fromkeys(part.partition("=")[0] for part in re.split("[,;]", bare)))
