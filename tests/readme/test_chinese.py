"""The Chinese README promises what the English one does, chapter by chapter."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def chapters(name: str) -> list[str]:
    """Give a README chapter by chapter, the head first; without the switch of languages."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"^.*\| .*README.*\n|^.*README.* \|.*\n", "", text, flags=re.MULTILINE).split(
        "\n## "
    )


ENGLISH, CHINESE = chapters("README.md"), chapters("README.zh-CN.md")


def blocks(chapter: str) -> list[tuple[str, str]]:
    """Give the blocks of a chapter; what comments say is left to each language."""
    return [(kind, re.sub(r" *# .*", "", code)) for kind, code in BLOCK.findall(chapter)]


def names(chapter: str) -> set[str]:
    """Give what stands in `backticks`."""
    return {" ".join(name.split()) for name in re.findall(r"`([^`]+)`", BLOCK.sub("", chapter))}


def links(chapter: str) -> set[str]:
    """Give where the links lead."""
    return set(re.findall(r"\]\(([^)]+)\)", chapter))


def figures(chapter: str) -> set[str]:
    """Give the numbers: days, prices, lifetimes, exit codes."""
    return set(re.findall(r"\d[\d.]*\d|\d", BLOCK.sub("", chapter)))


def rows(chapter: str) -> int:
    """Tell how many rows its table has."""
    return len(re.findall(r"^\|", chapter, re.MULTILINE))


def test_as_many_chapters() -> None:
    assert len(CHINESE) == len(ENGLISH)


@pytest.mark.parametrize(
    "what", [blocks, names, links, figures, rows], ids=lambda what: what.__name__
)
def test_same_in_both(what: Callable[[str], object]) -> None:
    for english, chinese in zip(ENGLISH, CHINESE, strict=True):
        assert what(chinese) == what(english), english.partition("\n")[0]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    for target in links((ROOT / name).read_text(encoding="utf-8")):
        assert target.startswith("https://") or (ROOT / target).exists(), target
