"""Metrics: the list agrees with what is measured."""

from dataclasses import fields

import pytest

from workbench.look.compare import Comparison
from workbench.measure.metrics import METRICS, metric


def test_every_measured_field_of_a_comparison_is_a_metric_and_no_other() -> None:
    measured = {one.name for one in fields(Comparison)}
    measured -= {"index", "time", "difference", "shading_error"}
    keys = [key for one in METRICS for key in one.keys]
    assert sorted(keys) == sorted(measured)


def test_the_worst_value_is_the_one_that_matters() -> None:
    assert metric("cambi_before").worst([1.0, None, 3.0]) == 3.0
    assert metric("effective_bit_depth").worst([8.0, None, 10.0]) == 8.0
    assert metric("cambi_after").worst([None]) is None


@pytest.mark.parametrize("one", METRICS, ids=lambda one: one.key)
def test_every_metric_is_described_for_a_colorist(one: object) -> None:
    assert isinstance(one, type(METRICS[0]))
    assert one.sentence.endswith(".")
    assert len(one.sentence.split()) <= 20
    assert one.text(None) == "-"
