"""A target is whole or not there."""

import os
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


class Disk:
    """Notes what it is told to take, as ranges of bytes."""

    def __init__(self) -> None:
        self.told: list[range] = []

    def take(self, descriptor: int, start: int, length: int, advice: int) -> None:
        assert os.fstat(descriptor).st_size >= start + length
        assert advice == os.POSIX_FADV_DONTNEED
        self.told.append(range(start, start + length))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    monkeypatch.setattr(os, "posix_fadvise", disk.take, raising=False)
    monkeypatch.setattr(_target, "_DRAINED_BYTES", 100)
    return disk


def test_the_disk_takes_what_is_written_meanwhile(tmp_path: Path, disk: Disk) -> None:
    part = tmp_path / "a.part"
    draining = _target.Draining(part)
    with part.open("wb", buffering=0) as file:
        for size_bytes in (60, 60, 60, 30, 30, 10):
            draining.took(file.write(bytes(size_bytes)))
    draining.drain()
    assert disk.told == [range(120), range(120, 240), range(240, 250)]


def test_what_has_no_file_yet_is_taken_later(tmp_path: Path, disk: Disk) -> None:
    part = tmp_path / "a.part"
    draining = _target.Draining(part)
    draining.took(200)
    part.write_bytes(bytes(300))
    draining.took(200)
    assert disk.told == [range(300)]


def test_nothing_is_told_where_there_is_no_word_for_it(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fadvise")
    part = tmp_path / "a.part"
    part.write_bytes(bytes(300))
    _target.Draining(part).took(300)
    assert disk.told == []
