"""QC: the findings about a delivered file, their levels and the verdict."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["pass", "note", "warn", "fail"]
LEVELS: tuple[Level, ...] = ("pass", "note", "warn", "fail")
"""From the best to the worst."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    id: str  # its name, in plain words
    level: Level
    measured: str
    limit: str  # the expected or allowed value; "" for a note
    sentence: str  # for a colorist


def verdict(findings: Iterable[Finding]) -> Level:
    """Return the worst level of all findings; "pass" if there are none."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="pass")


def verdict_in_words(levels: Iterable[Level]) -> str:
    """Format the verdict for a colorist, with the number of findings at each level except pass.

    >>> verdict_in_words(["pass", "pass", "note"]), verdict_in_words(["warn", "note", "note"])
    ('PASS, 1 note', 'WARNING, 1 warning, 2 notes')
    """
    count = Counter(levels)
    parts = [
        f"{count[level]} {name}{'s' if count[level] > 1 else ''}"
        for level, name in _COUNTED.items()
        if count[level]
    ]
    return ", ".join([_VERDICTS[max(count, key=LEVELS.index, default="pass")], *parts])


_VERDICTS: dict[Level, str] = {"pass": "PASS", "note": "PASS", "warn": "WARNING", "fail": "FAIL"}
_COUNTED: dict[Level, str] = {"fail": "failed check", "warn": "warning", "note": "note"}
