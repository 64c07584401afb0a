"""The drawn floors are those that are checked."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def floors() -> list[set[str]]:
    """Give the modules of each floor, as import-linter checks them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "floors")
    return [set(layer.split(" | ")) for layer in layers]


def test_plan_has_every_floor_in_order() -> None:
    (plan,) = re.findall(r"```text\n( ┌.*?)```", PAGE, re.DOTALL)
    drawn = re.findall(r"│  (\w+) ", plan)
    for floor in floors():
        shown, drawn = drawn[: len(floor)], drawn[len(floor) :]
        assert set(shown) == floor
    assert drawn == []


def test_house_in_one_screen_has_every_room() -> None:
    (house,) = re.findall(r"```text\nsrc/dashscope_aa/\n(.*?)```", CONTRIBUTING, re.DOTALL)
    rooms = set().union(*floors())
    shown = set(re.findall(r"(?<!\S)(\w+)(?:\.py|/)(?!\S)", house)) - {"__init__"}
    assert rooms - shown == {"_version"}
    assert shown <= rooms
