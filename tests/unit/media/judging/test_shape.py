"""Whatever a picture's edges, its new ones keep the limits, and are changed no more than needed."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashscope_aa.media._judging.limits import AtLeast, AtMost, MoreThan
from dashscope_aa.media._judging.shape import WHOLE, Fit, Frame, Shape, reshape

CLIP = Frame(shorter=AtLeast(200), longer=AtMost(2048), ratio=AtMost(3), step_px=2)
PHOTO = Frame(shorter=MoreThan(224), longer=AtMost(4096), ratio=AtMost(2))

sizes = st.tuples(st.integers(1, 9000), st.integers(1, 9000))


@pytest.mark.parametrize(
    ("size", "frame", "expected"),
    [
        pytest.param((1080, 1920), CLIP, (1080, 1920), id="nothing to do"),
        pytest.param((2160, 3840), CLIP, (1152, 2048), id="too large"),
        pytest.param((64, 64), CLIP, (200, 200), id="too small"),
        pytest.param((199, 597), CLIP, (200, 600), id="too small, at the ratio's limit"),
        pytest.param((201, 603), CLIP, (202, 602), id="odd, at the ratio's limit"),
        pytest.param((241, 321), CLIP, (240, 320), id="odd"),
        pytest.param((3840, 1280), CLIP, (2048, 684), id="rounded towards the allowed ratio"),
        pytest.param((224, 300), PHOTO, (225, 301), id="an exclusive bound"),
        pytest.param((4097, 2049), PHOTO, (4096, 2048), id="a pixel too much"),
    ],
)
def test_sides(size: tuple[int, int], frame: Frame, expected: tuple[int, int]) -> None:
    assert reshape(size, frame) == Shape(WHOLE, expected, expected)


@pytest.mark.parametrize(
    ("size", "fit", "crop", "inner", "final"),
    [
        pytest.param((900, 200), None, (1, 1), (900, 200), (900, 200), id="left as it is"),
        pytest.param((900, 200), "crop", (Fraction(2, 3), 1), (600, 200), (600, 200), id="crop"),
        pytest.param((900, 200), "pad", (1, 1), (900, 200), (900, 300), id="pad"),
        pytest.param((200, 900), "pad", (1, 1), (200, 900), (300, 900), id="pad the other way"),
        pytest.param((4096, 512), "pad", (1, 1), (2048, 256), (2048, 684), id="pad and scale"),
        pytest.param((400, 300), "crop", (1, 1), (400, 300), (400, 300), id="an allowed ratio"),
    ],
)
def test_ratio(
    size: tuple[int, int],
    fit: Fit | None,
    crop: tuple[Fraction | int, Fraction | int],
    inner: tuple[int, int],
    final: tuple[int, int],
) -> None:
    assert reshape(size, CLIP, fit=fit) == Shape(
        (Fraction(crop[0]), Fraction(crop[1])), inner, final
    )


@pytest.mark.parametrize(
    ("size", "ratio", "expected"),
    [
        pytest.param((1000, 1000), Fraction(9, 16), (562, 1000), id="a square to 9:16"),
        pytest.param((900, 1600), Fraction(9, 16), (900, 1600), id="it is so already"),
        pytest.param((300, 900), Fraction(3, 4), (300, 400), id="a tall one to 3:4"),
        pytest.param((300, 300), Fraction(9, 16), (225, 400), id="and then scaled up"),
    ],
)
def test_crop_to(size: tuple[int, int], ratio: Fraction, expected: tuple[int, int]) -> None:
    assert reshape(size, PHOTO, crop_to=ratio).size == expected


@given(size=sizes, fit=st.sampled_from(["pad", "crop"]), frame=st.sampled_from([CLIP, PHOTO]))
@example(size=(1, 9000), fit="pad", frame=CLIP)
@example(size=(9000, 1), fit="crop", frame=PHOTO)
def test_every_size_is_made_to_fit(size: tuple[int, int], fit: Fit, frame: Frame) -> None:
    shape = reshape(size, frame, fit=fit)
    assert frame.keeps_sides(shape.size)
    assert frame.keeps_ratio(*shape.size)
    assert all(side % frame.step_px == 0 for side in (*shape.size, *shape.inner))
    assert all(0 < part <= 1 for part in shape.crop)
    assert all(0 < part <= whole for part, whole in zip(shape.inner, shape.size, strict=True))


@given(size=sizes)
def test_what_is_allowed_stays(size: tuple[int, int]) -> None:
    if PHOTO.keeps_sides(size) and PHOTO.keeps_ratio(*size):
        assert reshape(size, PHOTO, fit="crop") == Shape(WHOLE, size, size)


@given(size=sizes)
def test_without_fit_the_ratio_stays_and_the_sides_are_mended(size: tuple[int, int]) -> None:
    shape = reshape(size, CLIP)
    assert not shape.crops
    assert not shape.pads
    if CLIP.keeps_ratio(*size):
        assert CLIP.keeps_sides(shape.size)
