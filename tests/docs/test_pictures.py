"""The pictures of the documentation tell what is so, and can be drawn again."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from dashscope_aa._endpoints import ENDPOINTS
from dashscope_aa.models import TaskStatus

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "pictures"
DRAWN_BY_HAND = [PICTURES / "pipeline.svg", PICTURES / "states.svg"]


def texts(picture: Path) -> list[str]:
    """Give what is written in a drawing, each text whole."""
    tree = ET.parse(picture)  # noqa: S314 - it is our own
    return ["".join(text.itertext()).replace("\xa0", " ") for text in tree.iter() if _is_text(text)]


def _is_text(element: ET.Element) -> bool:
    return element.tag == "{http://www.w3.org/2000/svg}text"


def test_states_has_every_status() -> None:
    seen_at_work = set(TaskStatus) - {TaskStatus.SUSPENDED}  # only a word in the official SDK
    assert seen_at_work <= set(texts(PICTURES / "states.svg"))


def test_pipeline_has_every_paid_step() -> None:
    told = " ".join(texts(PICTURES / "pipeline.svg"))
    for endpoint in ENDPOINTS:
        assert not endpoint.paid or endpoint.name in told


@pytest.mark.parametrize("picture", DRAWN_BY_HAND, ids=lambda picture: picture.stem)
def test_drawing_reads_in_light_and_dark(picture: Path) -> None:
    drawing = picture.read_text(encoding="utf-8")
    light, dark = drawing.split("@media (prefers-color-scheme: dark)")
    coloured = set(re.findall(r"^ +(\.?\w+) {[^}]*#", light, re.MULTILINE))
    assert coloured == set(re.findall(r"^ +(\.?\w+) {[^}]*#", dark, re.MULTILINE))


def test_every_picture_is_shown() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    shown = {Path(name).name for name in re.findall(r"\]\((?:\.\./)?(pictures/[^)]+)\)", pages)}
    assert shown == {picture.name for picture in PICTURES.iterdir()}


@pytest.mark.skipif(os.name == "nt", reason="a command is recorded on a Unix terminal")
def test_drawn_again(tmp_path: Path) -> None:
    draw = [sys.executable, str(DOCS / "draw.py"), "--to", str(tmp_path)]
    subprocess.run([*draw, "--port", "0", "--task-s", "0"], check=True, timeout=120)
    drawn = {each.name for each in tmp_path.iterdir()}
    assert drawn == {"recording-animate.svg", "recording-check.svg", "sheet.png"}
    made, looked = (tmp_path / f"recording-{name}.svg" for name in ("animate", "check"))
    for word in ("detect", "template", "synthesis", "download", "wrote result.mp4"):
        assert word in " ".join(texts(made))
    assert "V102" in " ".join(texts(looked))
    assert "url(http" not in made.read_text(encoding="utf-8")  # pages load nothing from afar
