"""A target is whole or not there."""

from functools import partial
from pathlib import Path

import pytest

from dashscope_aa.errors import InputError, TransferError
from dashscope_aa.media import _target

replacing = partial(_target.replacing, checkpoint=lambda: None)


def test_takes_its_name_in_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"before")
    with replacing(target) as part:
        part.write_bytes(b"after")
        assert target.read_bytes() == b"before"
        assert part.parent == target.parent
    assert target.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"before")
    with pytest.raises(LookupError), replacing(target) as part:
        write_half(part)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_who_gives_up_at_last_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"before")

    def give_up() -> None:
        assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"after", b"before"]
        raise LookupError

    with pytest.raises(LookupError), _target.replacing(target, give_up) as part:
        part.write_bytes(b"after")
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def write_half(part: Path) -> None:
    part.write_bytes(b"half")
    raise LookupError


def test_nothing_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="No such file"), replacing(tmp_path / "a.mp4"):
        pass


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="it is a directory"), replacing(tmp_path / "folder"):
        pass
    with (
        pytest.raises(InputError, match="is not a directory") as caught,
        replacing(tmp_path / "none" / "a.mp4"),
    ):
        pass
    assert caught.value.hint == "Make the directory first."


def test_the_longest_name_a_file_may_have(tmp_path: Path) -> None:
    target = tmp_path / ("a" * 251 + ".mp4")
    with replacing(target) as part:
        part.write_bytes(b"after")
    assert target.read_bytes() == b"after"
