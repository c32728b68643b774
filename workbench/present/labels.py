"""Short labels for the clips of a batch, unique where the names are long and alike."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from workbench.batch.outcome import Outcome
from workbench.deliver.format import clip_name

_LABEL = 34  # characters
_HEAD = 8  # of them, where the middle is cut early


def labels(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a short and unique name of each clip; a point of a sweep is named by its values."""
    sources = {one.source for one in outcomes}
    texts = [_described(one, alone=len(sources) == 1) for one in outcomes]
    return _shortened(texts)


def _described(one: Outcome, *, alone: bool) -> str:
    """Return the full text of a label: the clip, and the values of a sweep's point."""
    if not one.point:
        return clip_name(one.name)
    values = ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in one.point.items())
    return values if alone else f"{PurePosixPath(one.source).stem}: {values}"


def _shortened(texts: Sequence[str]) -> list[str]:
    """Cut long texts so that each keeps the part in which it differs from the one most like it.

    >>> _shortened(["a_shot_with_a_rather_long_name_1_of_a_sweep", "short"])
    ['a_shot_with_a_ra…name_1_of_a_sweep', 'short']
    >>> _shortened([f"a_shot_with_a_rather_long_name_{n}_and_a_long_ending" for n in (1, 2)])
    ['a_shot_w…g_name_1_and_a_long_ending', 'a_shot_w…g_name_2_and_a_long_ending']
    """
    found = []
    for at, text in enumerate(texts):
        others = [*texts[:at], *texts[at + 1 :]]
        alike = max((_alike(text, other) for other in others), default=0)
        found.append(_cut(text, alike))
    counts = Counter(found)
    return [label if counts[label] == 1 else f"{at + 1}: {label}" for at, label in enumerate(found)]


def _cut(text: str, keep: int) -> str:
    """Cut the middle of a text, but not the part that begins at `keep`."""
    if len(text) <= _LABEL:
        return text
    tail = _LABEL // 2
    if _LABEL - tail <= keep < len(text) - tail:
        start = min(keep - 6, len(text) - _LABEL + _HEAD)
        return f"{text[:_HEAD]}…{text[start : start + _LABEL - _HEAD]}"
    return f"{text[: _LABEL - tail - 1]}…{text[-tail:]}"


def _alike(text: str, other: str) -> int:
    """Return the length of the common prefix of two texts."""
    same = (at for at, (one, two) in enumerate(zip(text, other, strict=False)) if one != two)
    return next(same, min(len(text), len(other)))
