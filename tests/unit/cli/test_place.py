"""Names that are free: nothing of the user's is replaced, nothing half done is left."""

from pathlib import Path

import pytest

from dashscope_aa.cli._place import check_free, free_beside, held_beside
from dashscope_aa.errors import InputError


@pytest.mark.parametrize(
    ("there", "name"),
    [
        pytest.param([], "dance.fit.mp4", id="nothing is there"),
        pytest.param(["dance.fit.mp4"], "dance.fit-2.mp4", id="one is there"),
        pytest.param(["dance.fit.mp4", "dance.fit-2.mp4"], "dance.fit-3.mp4", id="two are"),
        pytest.param(["dance.fit.jpg"], "dance.fit.mp4", id="one of another kind"),
    ],
)
def test_free_names(tmp_path: Path, there: list[str], name: str) -> None:
    for each in there:
        (tmp_path / each).write_text("precious")
    source = tmp_path / "dance.webm"
    assert free_beside(source, ".mp4").name == name
    with held_beside(source, ".mp4") as held, held_beside(source, ".mp4") as other:
        assert held.name == name
        assert other != held
    assert [(tmp_path / each).read_text() for each in there] == ["precious"] * len(there)


def test_a_broken_link_is_a_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "dance.fit.mp4").symlink_to(tmp_path / "nowhere")
    assert free_beside(tmp_path / "dance.mp4", ".mp4").name == "dance.fit-2.mp4"
    with pytest.raises(InputError, match="exists"):
        check_free(tmp_path / "dance.fit.mp4", force=False)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_when_work_breaks_off(tmp_path: Path, error: type[BaseException]) -> None:
    def work() -> None:
        with held_beside(tmp_path / "dance.mp4", ".mp4") as held:
            assert held.exists()
            raise error

    with pytest.raises(error):
        work()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="is not a directory"),
        held_beside(tmp_path / "none" / "dance.mp4", ".mp4"),
    ):
        pytest.fail("there is no such folder")


def test_what_is_there_is_replaced_by_force_only(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.touch()
    with pytest.raises(InputError, match="exists") as caught:
        check_free(target, force=False)
    assert "--force" in caught.value.hint
    check_free(target, force=True)
    with pytest.raises(InputError, match="it is a directory"):
        check_free(tmp_path, force=True)
