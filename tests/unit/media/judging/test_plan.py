"""What is planned for which flaw, why, and what is refused unless asked for."""

from dataclasses import replace
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import pytest

from dashscope_aa._engines import AnimateAnyone, WanAnimate
from dashscope_aa.errors import InputError
from dashscope_aa.media._convert import plan
from dashscope_aa.media._facts import Facts, ImageFacts, VideoFacts
from dashscope_aa.media._judging.judge import plan_for
from dashscope_aa.media._judging.plan import ImageRecipe, Options, VideoRecipe, target_format

AA = AnimateAnyone()
WAN = WanAnimate(mode="wan-std")

PHOTO = ImageFacts(format="jpeg", size_bytes=400_000, width_px=900, height_px=1600)
CLIP = VideoFacts(
    size_bytes=9_000_000,
    width_px=720,
    height_px=1280,
    coded_width_px=720,
    coded_height_px=1280,
    fps=30.0,
    duration_s=10.0,
    frames=300,
)
LOUD = replace(CLIP, audio_codec="aac", audio_duration_s=10.0, audio_bytes=160_000)


def steps(facts: Facts, options: Options | None = None, *, wan: bool = False) -> list[str]:
    """Give what is done, in words."""
    decided = plan_for(facts, WAN if wan else AA, options or Options())
    return [step.what for step in decided.steps]


# ── pictures ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "options", "expected"),
    [
        pytest.param(PHOTO, Options(), [], id="nothing to do"),
        pytest.param(replace(PHOTO, format="webp"), Options(), ["store it as jpeg"], id="format"),
        pytest.param(
            replace(PHOTO, format="heif", alpha=True),
            Options(),
            ["store it as jpeg", "put transparent parts on white"],
            id="format and transparency",
        ),
        pytest.param(
            replace(PHOTO, format="png", alpha=True), Options(), [], id="png may be clear"
        ),
        pytest.param(replace(PHOTO, orientation=6), Options(), ["turn it upright"], id="EXIF"),
        pytest.param(
            replace(PHOTO, format="gif", frames=9, mode="P"),
            Options(),
            ["take the first frame", "store it as jpeg"],
            id="animation",
        ),
        pytest.param(replace(PHOTO, mode="CMYK"), Options(), ["convert it to RGB"], id="print"),
        pytest.param(
            replace(PHOTO, width_px=5000, height_px=4000),
            Options(),
            ["scale it to 4095 × 3276 px"],
            id="too large",
        ),
        pytest.param(
            replace(PHOTO, width_px=150, height_px=200),
            Options(),
            ["scale it to 225 × 300 px"],
            id="too small",
        ),
        pytest.param(
            replace(PHOTO, format="png", size_bytes=9_000_000),
            Options(),
            ["store it as jpeg"],
            id="too many bytes",
        ),
        pytest.param(
            PHOTO,
            Options(target_format="png"),
            ["store it as png"],
            id="the target's name asks for another format",
        ),
        pytest.param(
            replace(PHOTO, width_px=1000, height_px=1000),
            Options(crop_to="9:16"),
            ["crop it to 9:16"],
            id="crop to the ratio of the video",
        ),
        pytest.param(PHOTO, Options(crop_to="9:16"), [], id="it has that ratio already"),
        pytest.param(
            replace(PHOTO, width_px=300, height_px=900),
            Options(fit="crop"),
            ["cut its edges off"],
            id="ratio cropped",
        ),
        pytest.param(
            replace(PHOTO, width_px=300, height_px=900),
            Options(fit="pad"),
            ["add bars"],
            id="padded",
        ),
    ],
)
def test_pictures(facts: ImageFacts, options: Options, expected: list[str]) -> None:
    assert steps(facts, options) == expected


def test_a_picture_is_left_alone_where_only_advice_is_given() -> None:
    assert steps(replace(PHOTO, width_px=4096, height_px=4000)) == []


def test_a_picture_in_doubt_is_made_smaller() -> None:
    decided = plan_for(replace(PHOTO, size_bytes=5_100_000), AA)
    assert isinstance(decided.recipe, ImageRecipe)
    assert decided.recipe.most_bytes == 4_999_999
    assert not decided.empty


# ── clips ────────────────────────────────────────────────────────────────────────────────

ENCODE = "encode the picture as H.264"


@pytest.mark.parametrize(
    ("facts", "options", "expected"),
    [
        pytest.param(LOUD, Options(), [], id="nothing to do"),
        pytest.param(
            replace(LOUD, container="mkv"), Options(), ["copy the picture into mp4"], id="remux"
        ),
        pytest.param(
            replace(LOUD, container="mkv", codec="hevc", audio_codec="opus"),
            Options(),
            ["copy the picture into mp4", "encode the sound as AAC"],
            id="remux with sound that mp4 rarely has",
        ),
        pytest.param(replace(CLIP, codec="vp9"), Options(), [ENCODE], id="codec"),
        pytest.param(
            replace(CLIP, fps=15.0), Options(), ["set the frame rate to 24 fps", ENCODE], id="slow"
        ),
        pytest.param(
            replace(CLIP, fps=13.1, variable_rate=True),
            Options(),
            ["set the frame rate to 24 fps", ENCODE],
            id="slow and uneven",
        ),
        pytest.param(replace(CLIP, variable_rate=True), Options(), [], id="uneven alone"),
        pytest.param(
            replace(CLIP, codec="vp9", fps=28.7, variable_rate=True),
            Options(),
            ["set the frame rate to 30 fps", ENCODE],
            id="uneven and encoded anyway",
        ),
        pytest.param(
            replace(CLIP, width_px=2160, height_px=3840),
            Options(),
            ["scale it to 1152 × 2048 px", ENCODE],
            id="too large",
        ),
        pytest.param(replace(CLIP, size_bytes=300_000_000), Options(), [ENCODE], id="bytes"),
        pytest.param(replace(CLIP, rotation=90), Options(), [], id="a turn alone"),
        pytest.param(
            replace(CLIP, codec="vp9", rotation=90, sample_aspect_ratio=Fraction(4, 3)),
            Options(),
            ["turn the picture upright", "make the pixels square", ENCODE],
            id="turn and pixels, encoded anyway",
        ),
        pytest.param(LOUD, Options(trim=(1, 4)), ["keep 1 to 4 s", ENCODE], id="trim"),
        pytest.param(
            LOUD,
            Options(sound="drop"),
            ["copy the picture into mp4", "leave the sound away"],
            id="drop the sound",
        ),
        pytest.param(CLIP, Options(sound="drop"), [], id="no sound to drop"),
        pytest.param(
            replace(LOUD, container="mkv", audio_duration_s=14.0),
            Options(),
            ["copy the picture into mp4", "cut the sound at the end of the picture"],
            id="sound that goes on",
        ),
        pytest.param(
            replace(LOUD, container="mkv", audio_start_s=0.5),
            Options(),
            ["copy the picture into mp4", "cut the sound at the end of the picture"],
            id="sound that begins late and goes on",
        ),
        pytest.param(
            replace(LOUD, container="mkv", audio_start_s=-0.5, audio_duration_s=10.5),
            Options(),
            ["copy the picture into mp4", "cut the sound where the picture begins"],
            id="sound that begins early",
        ),
        pytest.param(
            replace(CLIP, codec="vp9", interlaced=True),
            Options(),
            ["make whole frames of its fields", ENCODE],
            id="fields, encoded anyway",
        ),
        pytest.param(replace(CLIP, interlaced=True), Options(), [], id="fields alone"),
        pytest.param(
            replace(CLIP, width_px=900, height_px=200),
            Options(fit="pad"),
            ["add bars", ENCODE],
            id="ratio padded",
        ),
        pytest.param(
            replace(CLIP, width_px=900, height_px=200),
            Options(fit="crop"),
            ["cut the edges off", ENCODE],
            id="ratio cropped",
        ),
        pytest.param(
            replace(CLIP, container="avi"),
            Options(target_format="mp4"),
            [ENCODE],
            id="avi has no times to copy",
        ),
        pytest.param(
            CLIP, Options(target_format="mov"), ["copy the picture into mov"], id="another target"
        ),
        pytest.param(
            replace(CLIP, codec="vp9"),
            Options(encoder="libx265"),
            ["encode the picture as HEVC"],
            id="another encoder",
        ),
    ],
)
def test_clips(facts: VideoFacts, options: Options, expected: list[str]) -> None:
    assert steps(facts, options) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(replace(CLIP, codec="vp9"), [], id="wan names no codec"),
        pytest.param(replace(CLIP, fps=12.0), [], id="nor a frame rate"),
        pytest.param(
            replace(CLIP, container="webm", codec="vp9"), [ENCODE], id="vp9 in mp4 is rarely read"
        ),
    ],
)
def test_clips_for_wan(facts: VideoFacts, expected: list[str]) -> None:
    assert steps(facts, wan=True) == expected


def test_every_step_says_why() -> None:
    decided = plan_for(replace(CLIP, fps=15.0, container="mkv"), AA)
    assert decided.describe() == [
        "set the frame rate to 24 fps (frame rate must be at least 24 fps, but is 15)",
        "encode the picture as H.264 (a picture that is changed is encoded anew)",
    ]
    assert plan_for(CLIP, AA).describe() == ["nothing to do"]


@pytest.mark.parametrize(
    ("facts", "target", "why"),
    [
        pytest.param(
            replace(PHOTO, format="webp"), None, "must be jpeg, png or bmp", id="not allowed"
        ),
        pytest.param(
            replace(PHOTO, format="bmp", orientation=6), None, "changed picture is", id="changed"
        ),
        pytest.param(
            replace(PHOTO, format="bmp", orientation=6), "a.jpg", "changed picture is", id="alike"
        ),
        pytest.param(PHOTO, "a.png", "the target's name asks for it", id="asked for"),
        pytest.param(
            replace(PHOTO, format="bmp", orientation=6),
            "a.png",
            "the target's name asks for it",
            id="changed, and asked for",
        ),
    ],
)
def test_why_a_picture_is_stored_anew(facts: ImageFacts, target: str | None, why: str) -> None:
    (step,) = (one for one in plan(facts, engine=AA, target=target).steps if "store it" in one.what)
    assert why in step.why


def test_a_large_clip_gets_a_bit_rate_that_fits() -> None:
    decided = plan_for(replace(LOUD, size_bytes=900_000_000, duration_s=60.0), AA)
    assert isinstance(decided.recipe, VideoRecipe)
    picture_bytes = decided.recipe.most_bps * 60 / 8
    assert 0.9 * 200_000_000 < picture_bytes + 160_000 < 200_000_000


@pytest.mark.parametrize(
    ("facts", "options", "code"),
    [
        pytest.param(replace(CLIP, duration_s=90.0), Options(), "V105", id="too long"),
        pytest.param(replace(CLIP, duration_s=1.0), Options(), "V105", id="too short"),
        pytest.param(CLIP, Options(trim=(0, 1)), "V105", id="trimmed too short"),
        pytest.param(replace(CLIP, width_px=900, height_px=200), Options(), "V108", id="ratio"),
        pytest.param(replace(PHOTO, width_px=300, height_px=900), Options(), "I105", id="picture"),
        pytest.param(replace(PHOTO, truncated=True), Options(), "I124", id="cut off"),
    ],
)
def test_refused_unless_asked_for(facts: Facts, options: Options, code: str) -> None:
    decided = plan_for(facts, AA, options)
    assert [refusal.code for refusal in decided.refusals] == [code]
    assert decided.describe()[-1].startswith("not done: ")


@pytest.mark.parametrize(
    ("facts", "trim", "start", "length_s"),
    [
        pytest.param(CLIP, (0.5, 4), Fraction(15, 30), 3.5, id="on a frame"),
        pytest.param(CLIP, (0.25, 4.25), Fraction(8, 30), 4, id="half-way: the later one"),
        pytest.param(CLIP, (0.24, 4.24), Fraction(7, 30), 4, id="near a frame"),
        pytest.param(
            CLIP, (0.25, 10), Fraction(7, 30), 9.75, id="half-way, and as long as there is"
        ),
        pytest.param(
            replace(CLIP, variable_rate=True), (0.25, 4.25), Fraction(1, 4), 4, id="uneven"
        ),
    ],
)
def test_what_is_kept_begins_with_a_frame(
    facts: VideoFacts, trim: tuple[float, float], start: Fraction, length_s: float
) -> None:
    recipe = plan_for(facts, AA, Options(trim=trim)).recipe
    assert isinstance(recipe, VideoRecipe)
    assert recipe.start_s == pytest.approx(float(start), abs=1e-9)
    assert recipe.duration_s == pytest.approx(length_s)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(
            replace(PHOTO, width_px=1, height_px=3000),
            ["must be more than 224 px, but is 1", "must be at most 2:1, but is 3000:1"],
            id="a line",
        ),
        pytest.param(
            replace(PHOTO, width_px=900, height_px=100),
            ["must be at most 2:1, but is 9:1"],
            id="a low strip, whose sides could be mended",
        ),
    ],
)
def test_refusals_tell_of_the_file(facts: ImageFacts, said: list[str]) -> None:
    refused = [refusal.message for refusal in plan_for(facts, AA).refusals]
    assert [message.partition(" ")[2].partition(" ")[2] for message in refused] == said


def test_what_was_asked_for_is_not_refused() -> None:
    long = replace(CLIP, duration_s=90.0)
    decided = plan_for(long, AA, Options(trim=(10, 40)))
    assert not decided.refusals
    assert decided.after.duration_s == pytest.approx(30)
    assert decided.before is long


@pytest.mark.parametrize(
    ("facts", "options", "message"),
    [
        pytest.param(CLIP, Options(trim=(4, 2)), "within the 10.00 s", id="end before start"),
        pytest.param(CLIP, Options(trim=(-1, 2)), "within the 10.00 s", id="before the beginning"),
        pytest.param(CLIP, Options(trim=(5, 11)), "within the 10.00 s", id="beyond the end"),
        pytest.param(CLIP, Options(crop_to="9:16"), "for pictures", id="a clip is not cropped to"),
        pytest.param(PHOTO, Options(trim=(1, 3)), "for clips", id="a picture is not trimmed"),
        pytest.param(PHOTO, Options(crop_to="tall"), "a ratio such as", id="no ratio"),
        pytest.param(PHOTO, Options(crop_to="9:0"), "a ratio such as", id="an endless ratio"),
    ],
)
def test_options_that_make_no_sense(facts: Facts, options: Options, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_for(facts, AA, options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"fit": "stretch"}, "None or 'pad' or 'crop', but is 'stretch'", id="fit"),
        pytest.param({"sound": "none"}, "'keep' or 'drop', but is 'none'", id="sound"),
        pytest.param({"trim": (0,)}, r"two numbers of seconds, but is \(0,\)", id="no end"),
        pytest.param({"trim": "1-3"}, "two numbers of seconds", id="trim in words"),
        pytest.param({"trim": 3}, "two numbers of seconds", id="one number"),
    ],
)
def test_words_that_are_not_known(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(CLIP, engine=AA, **options)


@pytest.mark.parametrize(
    ("facts", "name", "expected"),
    [
        pytest.param(PHOTO, "a.JPG", "jpeg", id="jpg"),
        pytest.param(PHOTO, "a.jpeg", "jpeg", id="jpeg"),
        pytest.param(PHOTO, "a.png", "png", id="png"),
        pytest.param(CLIP, "a.mp4", "mp4", id="mp4"),
        pytest.param(CLIP, "a.mov", "mov", id="mov"),
    ],
)
def test_target_format(facts: Facts, name: str, expected: str) -> None:
    assert target_format(PurePath(name), facts) == expected


@pytest.mark.parametrize("name", ["a.webp", "a", "a.mp4"])
def test_targets_that_are_not_written(name: str) -> None:
    with pytest.raises(InputError, match=r"must end in .jpg or .jpeg or .png"):
        plan(PHOTO, engine=AA, target=name)


def test_plan_as_json_has_both_ends() -> None:
    told = plan(replace(CLIP, fps=15.0), engine=AA, target="a.mp4").to_dict()
    assert told["before"]["fps"] == 15
    assert told["after"]["fps"] == 24
    assert [step["what"] for step in told["steps"]][-1] == ENCODE
    assert told["refusals"] == []
