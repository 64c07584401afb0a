"""Hints of the library, as somebody who types commands needs them."""

import ast
from pathlib import Path

import pytest

import dashscope_aa
from dashscope_aa.cli._flags import as_flags


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        pytest.param("cut it: trim=(start_s, end_s).", "cut it: --trim START-END.", id="a part"),
        pytest.param(
            "Use trim=(0.00, 2.50) or trim=(2.50, 5.00).",
            "Use --trim 0.00-2.50 or --trim 2.50-5.00.",
            id="parts in numbers",
        ),
        pytest.param('fit="pad" or fit="crop"', "--fit pad or --fit crop", id="shape"),
        pytest.param('Leave it away: sound="drop".', "Leave it away: --sound drop.", id="sound"),
        pytest.param("pass allow_private=True", "pass --allow-private", id="private address"),
        pytest.param(
            'crop_to="9:16" or crop_to="3:4"',
            "--crop-to 9:16 or --crop-to 3:4",
            id="shapes of a picture",
        ),
        pytest.param("or use_ref_img_bg=True", "or --use-ref-img-bg", id="background"),
        pytest.param("crop_to is for pictures", "--crop-to is for pictures", id="a bare name"),
        pytest.param(
            "trim must be (start_s, end_s) within the 6.00 s of the clip, but is (0, 400)",
            "--trim must be START-END within the 6.00 s of the clip, but is 0-400",
            id="a part that is not there",
        ),
        pytest.param(
            "or engine=AnimateAnyone(). For example engine=WanAnimate(mode='wan-std').",
            "or --engine animate-anyone. For example --engine wan-std.",
            id="engines",
        ),
        pytest.param(
            "Use region='cn-beijing'. Give workspace='…', the id.",
            "Use --region cn-beijing. Give --workspace ID, the id.",
            id="places",
        ),
        pytest.param(
            "Set DASHSCOPE_API_KEY, or give Client(api_key=…); keys: the console.",
            "Set DASHSCOPE_API_KEY; keys: the console.",
            id="a key is no option",
        ),
        pytest.param("media.convert mends it", "`dashscope-aa convert` mends it", id="convert"),
        pytest.param("see media.preflight", "see `dashscope-aa check`", id="preflight"),
        pytest.param("Raise max_cost_cny.", "Raise --max-cost.", id="money"),
        pytest.param(
            "go on with client.adopt(error, task_id); client.write_off(error) lets it",
            "go on with `dashscope-aa ledger adopt`; `dashscope-aa ledger write-off` lets it",
            id="a lost answer",
        ),
        pytest.param("the outfit is trim", "the outfit is trim", id="plain words"),
    ],
)
def test_as_flags(said: str, meant: str) -> None:
    assert as_flags(said) == meant


def test_no_hint_is_left_in_the_words_of_python() -> None:
    folder = Path(dashscope_aa.__file__).parent / "media"
    hints = [
        word.value.value
        for file in folder.rglob("*.py")
        for word in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(word, ast.keyword)
        and word.arg in {"hint", "hint_below"}
        and isinstance(word.value, ast.Constant)
        and isinstance(word.value.value, str)
    ]
    assert len(hints) > 20
    assert [hint for hint in map(as_flags, hints) if "=" in hint] == []
