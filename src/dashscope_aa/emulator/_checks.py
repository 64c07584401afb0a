"""What a submit must look like: a JSON body becomes an `Order`, or is refused.

Source: the pages of the five models for the fields, ERR for the texts. Fields nobody knows
are ignored, as are nulls: the vendor's own SDK sends ``prompt: null`` with everything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

from dashscope_aa._endpoints import DETECT, MIX, MOVE, SYNTHESIS, TEMPLATE
from dashscope_aa.emulator._answers import (
    BAD_BODY,
    BAD_RATIO,
    BAD_URL,
    BAD_VALUE,
    EMPTY_INPUT,
    EMPTY_MODEL,
    EMPTY_PARAMETERS,
    FIELD_REQUIRED,
    ILLEGAL_INPUT,
    NO_SUCH_MODEL,
    WRONG_PAIR,
    Answer,
    Refused,
)
from dashscope_aa.emulator._faults import Operation
from dashscope_aa.emulator._switches import Switches

Body = Mapping[str, Any]

_PLACE_OF: Final[Mapping[str, tuple[Operation, str]]] = {
    DETECT.model: ("detect", DETECT.path.rstrip("/")),
    TEMPLATE.model: ("template", TEMPLATE.path.rstrip("/")),
    SYNTHESIS.model: ("synthesis", SYNTHESIS.path.rstrip("/")),
    MOVE.model: ("move", MOVE.path.rstrip("/")),
    MIX.model: ("mix", MIX.path.rstrip("/")),
}
"""Model → what it does, and the path it is called by."""

FILE_FIELDS: Final[Mapping[Operation, tuple[str, ...]]] = {
    "detect": ("image_url",),
    "template": ("video_url",),
    "synthesis": ("image_url",),
    "move": ("image_url", "video_url"),
    "mix": ("image_url", "video_url"),
}
"""The files each operation reads."""

RATIOS: Final = ("9:16", "3:4")
MODES: Final = ("wan-std", "wan-pro")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for, once it has been found in order."""

    operation: Operation
    model: str
    image_url: str = ""
    video_url: str = ""
    template_id: str = ""
    use_ref_img_bg: bool = False
    video_ratio: str = "9:16"
    mode: str = "wan-std"
    check_image: bool = True
    watermark: bool = False
    missing: Answer | None = None
    """A missing field that the task will stumble over, where the switch says "late"."""

    @property
    def family(self) -> Literal["animate-anyone", "wan"]:
        """The family of its model."""
        return "wan" if self.operation in ("move", "mix") else "animate-anyone"


def parse(raw: bytes) -> Body:
    """Read the JSON object of a request."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(BAD_BODY) from None
    if not isinstance(body, dict):
        raise Refused(BAD_BODY)
    return cast("Body", body)


def place_of(model: object, switches: Switches) -> tuple[Operation, str] | None:
    """Tell what a model does and by which path it is called; None for an unknown one."""
    if not isinstance(model, str):
        return None
    like = switches.successors.get(model)
    if like is not None:
        return _PLACE_OF[MOVE.model if like == "move" else MIX.model]
    return _PLACE_OF.get(model)


def read_order(body: Body, *, path: str, resolve: bool, switches: Switches) -> Order:
    """Make an order of a body posted to *path*.

    *resolve* tells whether the header that makes ``oss://`` URLs work was sent.
    """
    model = _text(body, "model", at="")
    if not model:
        raise Refused(EMPTY_MODEL)
    place = place_of(model, switches)
    if place is None:
        raise Refused(NO_SUCH_MODEL)
    operation, right_path = place
    if path != right_path:
        raise Refused(WRONG_PAIR)
    fields = _fields(body, operation)
    for name in FILE_FIELDS[operation]:
        if name in fields:
            _check_url(fields[name], resolve=resolve)
    missing = _first_missing(fields, operation)
    if missing is not None and (not switches.late_field_errors or operation == "detect"):
        raise Refused(missing)
    return Order(operation=operation, model=model, missing=missing, **fields)


def _fields(body: Body, operation: Operation) -> dict[str, Any]:
    """Collect the fields that were sent, each of the right type and within its range."""
    wan = operation in ("move", "mix")
    given = _section(body, "input", EMPTY_INPUT, ILLEGAL_INPUT)
    texts = [*FILE_FIELDS[operation], *(["template_id"] if operation == "synthesis" else [])]
    fields: dict[str, Any] = {name: _text(given, name, at="input.") for name in texts}
    if operation != "detect":
        empty = EMPTY_PARAMETERS if wan else None
        wrong = BAD_VALUE.filled("parameters")
        parameters = _section(body, "parameters", empty, wrong)
        fields |= _wan(given, parameters) if wan else _animate_anyone(parameters, operation)
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _wan(given: Body, parameters: Body) -> dict[str, Any]:
    mode = _text(parameters, "mode", at="parameters.")
    if mode and mode not in MODES:
        raise Refused(BAD_VALUE.filled("parameters.mode"))
    return {
        "mode": mode,
        "check_image": _flag(parameters, "check_image", at="parameters."),
        "watermark": _flag(given, "watermark", at="input."),
    }


def _animate_anyone(parameters: Body, operation: Operation) -> dict[str, Any]:
    if operation != "synthesis":
        return {}
    ratio = parameters.get("video_ratio")
    if ratio is not None and ratio not in RATIOS:
        raise Refused(BAD_RATIO)
    background = _flag(parameters, "use_ref_img_bg", at="parameters.")
    return {"video_ratio": ratio, "use_ref_img_bg": background}


def _first_missing(fields: Body, operation: Operation) -> Answer | None:
    wanted = [(f"input.{name}", name) for name in FILE_FIELDS[operation]]
    if operation == "synthesis":
        wanted.append(("input.template_id", "template_id"))
    if operation in ("move", "mix"):
        wanted.append(("parameters.mode", "mode"))
    for path, name in wanted:
        if name not in fields:
            return FIELD_REQUIRED.filled(path)
    return None


def _section(body: Body, name: str, empty: Answer | None, wrong: Answer) -> Body:
    section = body.get(name)
    if section is None:
        if empty is not None:
            raise Refused(empty)
        return {}
    if not isinstance(section, dict):
        raise Refused(wrong)
    return cast("Body", section)  # the keys of a JSON object are strings


def _text(section: Body, name: str, *, at: str) -> str | None:
    value = section.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(BAD_VALUE.filled(at + name))
    return value


def _flag(section: Body, name: str, *, at: str) -> bool | None:
    value = section.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(BAD_VALUE.filled(at + name))
    return value


def _check_url(url: str, *, resolve: bool) -> None:
    """Refuse what is no URL, and ``oss://`` without the header that makes it work (UPL).

    Signs that cannot be printed are refused as well: half a surrogate could not be repeated in
    an answer.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Refused(BAD_URL) from None
    schemes = ("http", "https", "oss") if resolve else ("http", "https")
    plain = all(sign.isprintable() and not sign.isspace() for sign in url)
    if parts.scheme not in schemes or not parts.netloc or not plain:
        raise Refused(BAD_URL)
