"""What a run is asked for is checked before anything is taken for something else."""

import math
from typing import Any

import pytest

from dashscope_aa import AnimateAnyone
from dashscope_aa._choices import Choices
from dashscope_aa.errors import InputError


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("preflight", "fixx", id="preflight that means nothing"),
        pytest.param("on_cancel", "cancel", id="on_cancel that means nothing"),
        pytest.param("detect", "no", id="a word for a boolean"),
        pytest.param("fresh", 2, id="a number for a boolean"),
        pytest.param("timeout_s", -1, id="time before it began"),
        pytest.param("timeout_s", math.nan, id="no time at all"),
        pytest.param("max_cost_cny", -0.1, id="less than nothing"),
        pytest.param("max_cost_cny", math.nan, id="no sum at all"),
        pytest.param("max_cost_cny", "1", id="a sum as text"),
        pytest.param("on_event", "print", id="an event nobody can be called for"),
    ],
)
def test_what_means_nothing_is_refused(option: str, value: Any) -> None:
    with pytest.raises(InputError, match=option):
        Choices(engine=AnimateAnyone(), **{option: value})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("timeout_s", 0, id="no time to wait"),
        pytest.param("max_cost_cny", 0, id="nothing to pay"),
        pytest.param("max_cost_cny", 1.5, id="a sum"),
        pytest.param("on_event", print, id="something to call"),
    ],
)
def test_what_means_something_is_taken(option: str, value: Any) -> None:
    assert getattr(Choices(engine=AnimateAnyone(), **{option: value}), option) == value
