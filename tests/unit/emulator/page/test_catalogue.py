"""The form of each fault: it is complete, it reads well, and it makes what it says."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from dashscope_aa import emulator
from dashscope_aa.emulator import (
    AnswerLost,
    Barrier,
    Fault,
    ServerFault,
    SlowBody,
    Spoiled,
    TaskFault,
    Throttle,
    Unpaid,
)
from dashscope_aa.emulator._page.catalogue import catalogue, kinds, made

FORMS = {form["kind"]: form for group in catalogue() for form in group["faults"]}


def test_every_fault_has_a_form() -> None:
    public = (getattr(emulator, name) for name in emulator.__all__)
    faults = {it for it in public if isinstance(it, type) and issubclass(it, Fault)}
    assert set(FORMS) == {it.__name__ for it in faults - {Fault, Barrier, Spoiled, TaskFault}}


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_form_says_what_it_is_about(form: dict[str, Any]) -> None:
    assert form["says"].endswith(".")
    assert form["at"]
    assert all(field["says"] for field in form["fields"])


def test_forms_do_without_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: object) -> str:
        raise OSError("could not get source code")

    monkeypatch.setattr("dashscope_aa.emulator._page.catalogue.inspect.getsource", gone)
    catalogue.cache_clear()
    bare = [form for group in catalogue() for form in group["faults"]]
    catalogue.cache_clear()
    assert [form["kind"] for form in bare] == list(FORMS)
    assert {form["says"] for form in bare} == {""}


@pytest.mark.parametrize("name", kinds())
def test_a_form_that_is_left_as_it_is_makes_the_fault_as_it_is(name: str) -> None:
    own = {field["name"]: field["default"] for field in FORMS[name]["fields"]}
    assert made(name, own) == made(name, {}) == kinds()[name]()


def test_a_form_knows_what_may_be_chosen() -> None:
    (code,) = FORMS["Unpaid"]["fields"]
    assert (code["type"], code["default"]) == ("string", "PostpaidBillOverdue")
    assert "Arrearage" in code["choices"]


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        pytest.param("Unpaid", {"code": "Arrearage"}, Unpaid(code="Arrearage"), id="a choice"),
        pytest.param("AnswerLost", {"within": True}, AnswerLost(within=True), id="yes or no"),
        pytest.param(
            "Throttle",
            {"on": ["query", "list"], "times": 3, "retry_after_s": 2},
            Throttle(on=("query", "list"), times=3, retry_after_s=2),
            id="where and how often",
        ),
        pytest.param("ServerFault", {"for_s": "inf"}, ServerFault(for_s=math.inf), id="for ever"),
        pytest.param("SlowBody", {"model": "m"}, SlowBody(model="m"), id="a single model"),
    ],
)
def test_makes_what_was_asked_for(name: str, options: dict[str, Any], fault: Fault) -> None:
    assert made(name, options) == fault


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("Throttle", {"on": ["nowhere"]}, id="no such operation"),
        pytest.param("Throttle", {"times": 0}, id="never"),
        pytest.param("Throttle", {"for_s": -1}, id="a time that is over"),
        pytest.param("Throttle", {"status": 500}, id="another's option"),
        pytest.param("ServerFault", {"status": 200}, id="a fault that is none"),
        pytest.param("SlowBody", {"piece_bytes": 0}, id="no progress at all"),
        pytest.param("SlowHeaders", {"delay_s": "inf"}, id="a pause without an end"),
        pytest.param("Retired", {"code": "Perhaps"}, id="no such choice"),
    ],
)
def test_refuses_what_makes_no_sense(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(name, options)
