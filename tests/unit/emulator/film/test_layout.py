"""Where things go in an emulated film."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.emulator._film.layout import Background, Box, asked_size, film_size, fit, lay_out

edges = st.integers(200, 4096)


@pytest.mark.parametrize(
    ("shown_px", "expected"),
    [
        pytest.param((3, 4), (816, 1088), id="3:4 as a real run gave it"),
        pytest.param((720, 1280), (720, 1280), id="9:16"),
        pytest.param((1920, 1080), (1280, 720), id="16:9"),
        pytest.param((500, 500), (960, 960), id="square"),
        pytest.param((200, 600), (416, 1248), id="1:3 is bound by its longer edge"),
    ],
)
def test_film_size(shown_px: tuple[int, int], expected: tuple[int, int]) -> None:
    assert film_size(shown_px) == expected


def test_an_unknown_ratio_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="9:16, 3:4"):
        asked_size("1:1")


@pytest.mark.parametrize(
    ("shown_px", "expected"),
    [
        pytest.param((100, 100), (60, 20, 80, 80), id="square in a wide room"),
        pytest.param((400, 100), (0, 34, 200, 50), id="wide in a less wide room"),
    ],
)
def test_fit(shown_px: tuple[int, int], expected: Box) -> None:
    assert fit(shown_px, (0, 20, 200, 80)) == expected


def overlap(box: Box, other: Box) -> bool:
    return all(box[i] < other[i] + other[i + 2] and other[i] < box[i] + box[i + 2] for i in (0, 1))


@given(
    portrait=st.tuples(edges, edges),
    clip=st.tuples(edges, edges),
    background=st.sampled_from(["image", "video"]),
    video_ratio=st.sampled_from(["9:16", "3:4", None]),
)
def test_everything_has_its_place(
    portrait: tuple[int, int],
    clip: tuple[int, int],
    background: Background,
    video_ratio: str | None,
) -> None:
    layout = lay_out(portrait, clip, background=background, video_ratio=video_ratio)
    width, height = layout.size_px
    for left, top, box_width, box_height in (layout.strip, layout.portrait, layout.motion):
        assert 0 <= left < left + box_width <= width
        assert 0 <= top < top + box_height <= height
        assert box_width % 2 == box_height % 2 == 0
    assert not overlap(layout.portrait, layout.strip)
    assert overlap(layout.portrait, layout.motion) == (background == "video")
