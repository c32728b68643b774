"""Mutate .cube, CLF and CDL files and import each: it is read, or refused in one sentence.

    python -m tests.soak.lut_files [--first 0] [--count 5000]

Each mutant is reproducible by its number. The process has little memory, so that a huge allocation
fails. The program prints what breaks a rule, and exits with 1 if anything did. The short form is in
tests/look/test_lut_file.py.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbench.errors import PresetError
from workbench.look.grade_files import cdl_text, clf_text
from workbench.look.lut_file import import_lut, lut_function
from workbench.look.stages import Flat, Log

_MEMORY = 4 << 30  # bytes of address space in the long form
_SLOW = 20.0  # CPU seconds for one file in the long form
_NUMBERS = [
    *("0", "1", "-1", "2", "3", "33", "65", "129", "130", "999", "65536", "2147483647"),
    *("4294967296", "1e30", "-1e308", "nan", "inf"),
]
_PIECES = [
    *("LUT_3D_SIZE 500", "LUT_1D_SIZE 100000000", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 1 1 1"),
    *("<Reference path='x'/>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "<![CDATA[", "-->"),
    *("<Array dim='999 999 999 3'>", "</Array>", "<Matrix>", "CSPLUTV100", "<a>" * 5000),
    *("\0", "\xff\xfe", "\r", "#" * 5000, "=", '"', "%s%n", "../../"),
]


@dataclass(frozen=True)
class Tried:
    """The import of one mutant."""

    seed: int
    name: str
    said: str  # the error, or "" if the file was read
    broken: str  # the broken rule, or ""


@cache
def originals() -> dict[str, str]:
    """Return good files by their names."""
    flat, log = Flat(), Log(curve="logc3", rolloff=0)
    return {
        "three.cube": "LUT_3D_SIZE 3\n" + "0.1 0.2 0.3\n" * 27,
        "one.cube": 'TITLE "x"\nLUT_1D_SIZE 9\n' + "0.1 0.2 0.3\n" * 9,
        "flat.clf": clf_text(flat, "bt709", "x"),
        "log.clf": clf_text(log, "bt709", "x"),
        "flat.cdl": cdl_text(flat, "bt709", "x"),
    }


def mutant(seed: int) -> tuple[str, bytes]:
    """Return the name and the content of a mutated file."""
    chance = random.Random(seed)
    name, text = chance.choice(sorted(originals().items()))
    if chance.random() < 0.1:  # another format than its name says
        name = f"x{chance.choice(['.cube', '.clf', '.cdl', '.cc', '.ccc'])}"
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((1, 5, 50, 500)))
        match chance.randrange(6):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + chance.choice(_PIECES) + text[at:]
            case 2:
                text = text[:end] + text[at:]
            case 3:
                text = text[:at]
            case 4:  # another number
                words = text.split(" ")
                words[chance.randrange(len(words))] = chance.choice(_NUMBERS)
                text = " ".join(words)
            case _:
                text = text[:at] + chr(chance.randrange(256)) + text[at + 1 :]
    return name, text.encode(chance.choice(("utf-8", "latin-1")), errors="replace")


def tried(folder: Path, seed: int) -> Tried:
    """Write a mutant into a folder and import it."""
    name, content = mutant(seed)
    path = folder / name
    path.write_bytes(content)
    said = broken = ""
    try:
        import_lut(path)
    except PresetError as error:
        said = str(error)
        if name not in said or "\n" in said or len(said) > 300:
            broken = f"not one sentence: {said}"
    except Exception as error:
        broken = f"{type(error).__name__}: {error}"
    finally:
        lut_function.cache_clear()
        path.unlink()
    return Tried(seed, name, said, broken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--count", type=int, default=5000)
    options = parser.parse_args()
    import resource  # not on Windows, where the short form runs as well

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    states: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory(prefix="lut-files-") as place:
        for seed in range(options.first, options.first + options.count):
            began = time.process_time()
            one = tried(Path(place), seed)
            longest = max(longest, seconds := time.process_time() - began)
            broken = one.broken or (f"took {seconds:.0f} s" if seconds > _SLOW else "")
            states["broken" if broken else "refused" if one.said else "read"] += 1
            if broken:
                print(f"{seed} {one.name}: {broken}", flush=True)
    print(f"{options.count} files: {dict(states)}; the slowest took {longest:.1f} CPU seconds")
    return 1 if states["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
