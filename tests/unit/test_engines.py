"""The two engines as values: what they take, and what they refuse before anything is sent."""

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from dashscope_aa import AnimateAnyone, WanAnimate
from dashscope_aa._engines import ENGINE_NAMES, Engine, checked_engine, engine_named
from dashscope_aa.errors import ConfigurationError, InputError


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"use_ref_img_bg": True, "video_ratio": "3:4"}, id="picture's background"),
        pytest.param({"video_ratio": "9:16"}, id="ratio without effect"),
        pytest.param({"model": "animate-anyone-gen3"}, id="successor"),
    ],
)
def test_animate_anyone_takes(options: dict[str, Any]) -> None:
    engine = AnimateAnyone(**options)
    assert engine.family == "animate-anyone"
    assert {name: getattr(engine, name) for name in options} == options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"video_ratio": "16:9"}, "video_ratio must be '9:16' or '3:4'", id="ratio"),
        pytest.param({"video_ratio": 0.75}, "but is 0.75", id="ratio as a number"),
        pytest.param({"video_ratio": []}, r"but is \[\]", id="ratio as a list"),
        pytest.param({"use_ref_img_bg": "yes"}, "use_ref_img_bg must be True or False", id="word"),
        pytest.param({"use_ref_img_bg": 1}, "but is 1", id="one for true"),
        pytest.param({"use_ref_img_bg": None}, "but is None", id="none for false"),
        pytest.param({"template_model": 3}, "template_model must be the name", id="model"),
        pytest.param({"model": ""}, "model must be the name of a model, but is ''", id="no name"),
    ],
)
def test_animate_anyone_refuses(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        AnimateAnyone(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"mode": "std"}, "mode must be 'wan-std' or 'wan-pro', but is 'std'", id="m"),
        pytest.param({"mode": None}, "but is None", id="no mode"),
        pytest.param({"mode": "wan-std", "kind": "dance"}, "kind must be 'move' or 'mix'", id="k"),
        pytest.param(
            {"mode": "wan-std", "check_image": 0}, "check_image must be", id="0 for false"
        ),
        pytest.param({"mode": "wan-std", "watermark": 1.0}, "watermark must be", id="1.0 for true"),
    ],
)
def test_wan_animate_refuses(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        WanAnimate(**options)


def test_the_price_has_no_default() -> None:
    with pytest.raises(TypeError, match="mode"):
        WanAnimate()  # type: ignore[call-arg] # what a user forgets


def test_options_are_named() -> None:
    with pytest.raises(TypeError, match="positional"):
        WanAnimate("wan-std")  # type: ignore[call-arg] # what a user might try
    with pytest.raises(TypeError, match="unexpected"):
        WanAnimate(mode="wan-std", ratio="9:16")  # type: ignore[call-arg] # as above


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(AnimateAnyone(use_ref_img_bg=True), id="AnimateAnyone"),
        pytest.param(WanAnimate(mode="wan-pro", kind="mix"), id="WanAnimate"),
    ],
)
def test_engines_are_values(engine: Engine) -> None:
    assert pickle.loads(pickle.dumps(engine)) == engine  # noqa: S301 - written by the line itself
    assert copy.copy(engine) == engine
    assert len({engine, copy.copy(engine)}) == 1
    with pytest.raises((FrozenInstanceError, AttributeError)):
        engine.model = "another"  # type: ignore[misc] # what must fail


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        pytest.param("animate-anyone", AnimateAnyone(), id="animate-anyone"),
        pytest.param("wan-std", WanAnimate(mode="wan-std"), id="wan-std"),
        pytest.param("wan-pro", WanAnimate(mode="wan-pro"), id="wan-pro"),
    ],
)
def test_engine_named(name: str, engine: Engine) -> None:
    assert engine_named(name) == engine
    assert name in ENGINE_NAMES


@pytest.mark.parametrize("name", ["", "wan", "WAN-STD", " wan-std", "animate_anyone"])
def test_no_engine_has_that_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match="animate-anyone, wan-std, wan-pro"):
        engine_named(name)


def test_every_name_is_known() -> None:
    assert ENGINE_NAMES == ("animate-anyone", "wan-std", "wan-pro")


def test_an_engine_is_one() -> None:
    engine = WanAnimate(mode="wan-std")
    assert checked_engine(engine) is engine


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("wan-std", id="name"),
        pytest.param(None, id="none"),
        pytest.param(WanAnimate, id="class"),
        pytest.param({"mode": "wan-std"}, id="options"),
    ],
)
def test_something_else_is_no_engine(engine: object) -> None:
    with pytest.raises(InputError, match=r"must be AnimateAnyone\(…\) or WanAnimate"):
        checked_engine(engine)
