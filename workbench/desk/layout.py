"""Layout: the desk's widgets as named areas. web/desk.css arranges them on one screen."""

from collections.abc import Mapping, Sequence

import anywidget
import ipywidgets as widgets
import traitlets

from workbench.desk.bundle import WEB, bundle

PANELS = {
    "clip": "Clip",
    "look": "Look",
    "deliver": "Deliver",
    "batch": "Batch",
    "stills": "Stills",
}
"""The panels of the right column, of which one is visible, and their titles."""


class PanelTabs(anywidget.AnyWidget):
    """A row of tabs. The browser shows the selected panel without asking the kernel."""

    _esm = bundle(WEB / "panel_tabs.js")

    titles = traitlets.Dict(PANELS).tag(sync=True)
    selected = traitlets.Enum([*PANELS], default_value="look").tag(sync=True)


def lay_out(
    *,
    viewer: widgets.Widget,
    scopes: widgets.Widget,
    heading: Sequence[widgets.Widget],
    tabs: PanelTabs,
    panels: Mapping[str, Sequence[widgets.Widget]],
) -> widgets.VBox:
    """Return the whole desk: picture and scopes, and a column with a heading and panels.

    `panels` has the widgets of each panel by its name in PANELS.
    """
    boxes = []
    for name in PANELS:
        box = widgets.VBox(list(panels[name]))
        box.add_class("wb-panel")
        box.add_class(f"wb-panel-{name}")
        boxes.append(box)
    column = widgets.VBox([*heading, tabs, *boxes])
    column.add_class("wb-column")
    desk = widgets.VBox([viewer, scopes, column])
    desk.add_class("wb-desk")
    return desk


def labelled(label: str, *controls: widgets.Widget) -> widgets.HBox:
    """Return a row with a label, in the columns of the look's rows."""
    row = widgets.HBox([widgets.HTML(label), *controls])
    row.add_class("wb-field")
    return row
