"""Build the site from docs/, the Markdown files beside it, and references that are generated.

mkdocs calls the functions. Links are written for readers of the repository, so links that leave
docs/ are rewritten for the site.
"""

import json
import os
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "workbench/deliver/qc.schema.json"
TOP = {"README.md": "index.md"} | {
    name: name for name in ("README.ja.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md")
}
"""The page of each Markdown file of the repository's top folder."""

_LINK = re.compile(r"(\]\()([^)#\s]+)")


def on_files(files, config):  # type: ignore[no-untyped-def]
    """Add the pages of the top folder, the references, and the files that pages link to."""
    pages = {page: (ROOT / name).read_text(encoding="utf-8") for name, page in TOP.items()}
    pages["reference/commands.md"] = _commands()
    pages["reference/python.md"] = _python()
    pages["reference/record.md"] = _record()
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in TOP}
    texts |= {f"docs/{p.name}": p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md")}
    for name, text in texts.items():
        for _, link in _LINK.findall(text):
            target = _target(name, link)
            if target.startswith("source/") and files.get_file_from_path(target) is None:
                content = (ROOT / target.removeprefix("source/")).read_bytes()
                files.append(File.generated(config, target, content=content))
    return files


def on_page_markdown(markdown, page, config, files):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Rewrite the links of a page."""
    here = page.file.src_uri
    names = {page: name for name, page in TOP.items()}
    origin = names.get(here, f"docs/{here}")

    def rewritten(match: re.Match[str]) -> str:
        target = _target(origin, match[2])
        if target:
            target = posixpath.relpath(target, posixpath.dirname(here) or ".")
        return match[1] + (target or match[2])

    return markdown if here.startswith("reference/") else _LINK.sub(rewritten, markdown)


def _target(origin: str, link: str) -> str:
    """Return the place in the site of a link in a file of the repository; "" for other links."""
    if ":" in link:
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
    if path in TOP:
        return TOP[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"source/{path}" if (ROOT / path).is_file() else ""


def _commands() -> str:
    return (
        "# Commands\n\n::: mkdocs-click\n    :module: workbench.cli\n    :command: main\n"
        "    :prog_name: workbench\n    :depth: 1\n"
    )


def _python() -> str:
    """Return the documentation of the public names, which are those of `import workbench`."""
    import workbench

    lines = ["# Python", "", "What `import workbench` offers.", ""]
    for name, module in sorted(workbench._MODULES.items(), key=lambda pair: pair[0].lower()):
        lines += [f"::: workbench.{module}.{name}", ""]
    return "\n".join(lines)


def _record() -> str:
    """Return the fields of the record, from its JSON schema."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    lines = ["# The record", "", "The fields of `NAME.qc.json`, from its JSON schema.", ""]
    for name, model in {"The whole": schema, **schema["$defs"]}.items():
        if not model.get("properties"):
            continue
        lines += [f"## {name}", "", model.get("description", "").split("\n\n")[0], ""]
        lines += ["| field | type | meaning |", "|---|---|---|"]
        for field, terms in model["properties"].items():
            meaning = " ".join(terms.get("description", "").split()).replace("|", "\\|")
            lines.append(f"| `{field}` | {_type(terms)} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


def _type(terms: dict) -> str:  # type: ignore[type-arg]
    if "$ref" in terms:
        return f"{os.path.basename(terms['$ref'])}"  # noqa: PTH119 - a JSON pointer
    if "anyOf" in terms:
        return " or ".join(_type(one) for one in terms["anyOf"])
    if terms.get("type") == "array":
        return f"list of {_type(terms.get('items', {}))}"
    return str(terms.get("type") or terms.get("const") or "any")
