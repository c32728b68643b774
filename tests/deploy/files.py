"""Read the files of docs/deploy."""

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs/deploy"


@dataclass
class Stage:
    """A stage of a Dockerfile: its base, its instructions in order, and its settings."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)  # USER, WORKDIR, CMD, HEALTHCHECK
    environment: dict[str, str] = field(default_factory=dict)

    def argv(self, name: str) -> list[str]:
        """Return the command of CMD or HEALTHCHECK, which are JSON lists."""
        text = self.settings[name]
        argv: list[str] = json.loads(text[text.index("[") :])
        return argv


def stages(path: Path = DEPLOY / "Dockerfile") -> list[Stage]:
    """Parse a Dockerfile whose instructions take a line each. Raises KeyError for others."""
    found: list[Stage] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.strip().partition(" ")
        if not name or name.startswith("#") or name == "ARG":
            continue
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            found.append(Stage(base, alias))
        elif name in ("RUN", "COPY"):
            found[-1].steps.append((name, rest))
        elif name == "ENV":
            key, _, value = rest.partition("=")
            (found[-1].environment[key],) = shlex.split(value)
        elif name in ("USER", "WORKDIR", "EXPOSE", "CMD", "HEALTHCHECK"):
            found[-1].settings[name] = rest
        else:
            raise KeyError(name)
    return found


def documents(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
