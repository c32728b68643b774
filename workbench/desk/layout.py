"""Layout: where the desk's widgets are on the page."""

from collections.abc import Sequence

import ipywidgets as widgets


def lay_out(
    *,
    chooser: widgets.Widget,
    pictures: Sequence[widgets.Widget],
    figures: widgets.Widget,
    stills: Sequence[widgets.Widget],
    controls: Sequence[widgets.Widget],
    findings: widgets.Widget,
) -> widgets.VBox:
    """Return the whole desk: pictures on the left, controls on the right.

    On a narrow page the controls go below the pictures.
    """
    for picture in pictures:
        picture.layout.width = "auto"
    still_box = widgets.VBox(
        stills, layout=widgets.Layout(flex="1 1 0", min_width="0", margin="0 0 0 14px")
    )
    left = widgets.VBox(
        [*pictures, widgets.HBox([figures, still_box])],
        layout=widgets.Layout(flex="3 1 560px", min_width="0", margin="0 14px 0 0"),
    )
    right = widgets.VBox(
        controls, layout=widgets.Layout(flex="1 1 290px", max_width="420px", min_width="0")
    )
    columns = widgets.HBox(
        [left, right], layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start")
    )
    return widgets.VBox([chooser, columns, findings])
