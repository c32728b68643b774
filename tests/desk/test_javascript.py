"""The desk's JavaScript: its unit tests run in node, and its modules are bundled for widgets."""

import subprocess
from pathlib import Path

import playwright
import pytest

from workbench.desk.bundle import WEB, bundle

TESTS = sorted((Path(__file__).parent / "javascript").glob("*.test.js"))
WIDGETS = ("viewer.js", "scopes.js", "panel_tabs.js", "report_link.js", "clip_tiles.js")


@pytest.fixture(scope="module")
def node() -> Path:
    """Return the node that playwright ships, so that the machine needs none of its own."""
    driver = Path(playwright.__file__).parent / "driver"
    found = [path for path in (driver / "node", driver / "node.exe") if path.exists()]
    assert found, f"playwright has no node in {driver}"
    return found[0]


def run(node: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [node, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_in_node(node: Path, path: Path) -> None:
    report = run(node, "--test", "--test-reporter=tap", path)
    assert "# pass 0" not in report
    assert "# fail 0" in report


@pytest.mark.parametrize("entry", WIDGETS)
def test_a_widgets_bundle_loads_and_can_render(node: Path, tmp_path: Path, entry: str) -> None:
    (tmp_path / "widget.mjs").write_text(bundle(WEB / entry), encoding="utf-8")
    script = (
        "import('./widget.mjs').then(({ default: widget }) => console.log(typeof widget.render))"
    )
    done = subprocess.run(
        [node, "-e", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.stderr) == ("function", "")


def test_each_module_belongs_to_a_widget() -> None:
    bundles = "".join(bundle(WEB / entry) for entry in WIDGETS)
    for path in WEB.glob("*.js"):
        assert path.name in WIDGETS or f'modules["{path.name}"] = ' in bundles, path.name


def modules(folder: Path, **sources: str) -> Path:
    """Write modules to files of their names, and return the path of main.js."""
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source, encoding="utf-8")
    return folder / "main.js"


def test_a_bundle_runs_as_its_modules_do(node: Path, tmp_path: Path) -> None:
    entry = modules(
        tmp_path,
        main='import {\n  one, Two,\n} from "./a.js";\nimport { three } from "./b.js";\n'
        "const hidden = 10;\nconsole.log(one() + new Two().value + three + hidden);\n",
        a='import { three } from "./b.js";\nconst hidden = 1;\n'
        "export function one() { return hidden; }\n"
        "export class Two { value = three - 1; }\n",
        b="globalThis.runs = (globalThis.runs ?? 0) + 1;\n"
        'if (globalThis.runs > 1) throw Error("twice");\n'
        "const hidden = 3;\nexport const three = hidden;\n",
    )
    (tmp_path / "package.json").write_text('{ "type": "module" }', encoding="utf-8")
    (tmp_path / "bundled.mjs").write_text(bundle(entry), encoding="utf-8")
    assert run(node, tmp_path / "bundled.mjs") == run(node, entry) == "16\n"


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        ('import { nothing } from "./a.js";', "main.js: a.js does not export nothing"),
        ('import { one as two } from "./a.js";', "does not export one as two"),
        ('import * as a from "./a.js";', "main.js: cannot bundle this line: import "),
        ('import { one } from "elsewhere";', "main.js: cannot bundle this line: import "),
        ("export { x };", "main.js: cannot bundle this line: export "),
        ('import { d } from "./default.js";', "default.js: only the entry module may have"),
        ('import { ring } from "./ring.js";', "import cycle: main.js -> ring.js -> main.js"),
    ],
)
def test_a_form_that_cannot_be_bundled_is_an_error(tmp_path: Path, main: str, reason: str) -> None:
    entry = modules(
        tmp_path,
        main=main,
        a="export const one = 1;\n",
        default="export const d = 1;\nexport default { d };\n",
        ring='import { x } from "./main.js";\nexport const ring = x;\n',
    )
    with pytest.raises(ValueError, match=reason):
        bundle(entry)
