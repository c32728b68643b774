"""Bundle: ES modules joined into the single module that a widget can load.

anywidget loads a widget's script from text, which has no address that `import` could start from.
"""

import re
from pathlib import Path

WEB = Path(__file__).parent / "web"
"""The folder of the desk's JavaScript and CSS."""

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.-]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b(?! default \{).*$", re.MULTILINE)


def bundle(entry: Path) -> str:
    """Return a module and everything it imports from its folder as one module.

    Each imported module becomes a function that runs once, so that its other names stay private.
    Supported are `import { a, b } from "./file.js";` and `export` before a function, a class or a
    constant. The entry module may end with `export default { ... };`.

    Raises ValueError for other forms, for a name that is not exported and for an import cycle.
    """
    modules: dict[str, str] = {}
    exports: dict[str, list[str]] = {}

    def translate(path: Path, importing: tuple[str, ...]) -> str:
        source = path.read_text(encoding="utf-8")

        def translate_import(match: re.Match[str]) -> str:
            names = [name.strip() for name in match[1].split(",") if name.strip()]
            add(match[2], (*importing, path.name))
            for name in names:
                if name not in exports[match[2]]:
                    raise ValueError(f"{path.name}: {match[2]} does not export {name}")
            return f'const {{ {", ".join(names)} }} = modules["{match[2]}"];'

        source = _IMPORT.sub(translate_import, source)
        exports[path.name] = [name for _, name in _EXPORT.findall(source)]
        source = _EXPORT.sub(r"\1", source)
        if left_over := _LEFT_OVER.search(source):
            raise ValueError(f"{path.name}: cannot bundle this line: {left_over[0]}")
        return source

    def add(name: str, importing: tuple[str, ...]) -> None:
        if name in importing:
            raise ValueError(f"import cycle: {' -> '.join((*importing, name))}")
        if name in modules:
            return
        source = translate(entry.parent / name, importing)
        if re.search(r"^export default", source, re.MULTILINE):
            raise ValueError(f"{name}: only the entry module may have a default export")
        names = ", ".join(exports[name])
        modules[name] = f'modules["{name}"] = (() => {{\n{source}\nreturn {{ {names} }};\n}})();\n'

    source = translate(entry, ())
    return "\n".join(["const modules = {};", *modules.values(), source])
