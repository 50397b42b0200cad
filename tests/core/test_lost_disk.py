"""What a person is told when a disk does not do what it should; anything else that the system refuses is a bug, and looks like one."""

import errno

import pytest

from koma.__main__ import main
from koma.core.faults import is_of_disk, lost_disk


@pytest.mark.parametrize(
    ("number", "to_do", "of_disk"),
    [
        pytest.param(errno.ENOSPC, "koma gc", True, id="a full disk"),
        pytest.param(errno.EDQUOT, "koma gc", True, id="a full quota"),
        pytest.param(errno.EIO, "dmesg", True, id="a disk that fails"),
        pytest.param(errno.EROFS, "dmesg", True, id="a disk that is read-only"),
        pytest.param(errno.EACCES, "let the user", False, id="a folder of somebody else"),
    ],
)
def test_a_disk_in_words(number, to_do, of_disk):
    said = lost_disk(OSError(number, "some reason", "/outputs/a.png"))
    assert said.message == "/outputs/a.png: some reason"
    assert to_do in said.hint
    assert is_of_disk(OSError(number, "some reason")) is of_disk


def test_a_rename_is_told_by_the_name_that_was_to_be():
    error = OSError(errno.ENOSPC, "some reason", "/outputs/.a.part", None, "/outputs/a.png")
    assert lost_disk(error).message == "/outputs/a.png: some reason"


def test_an_error_without_a_file():
    assert lost_disk(OSError(errno.EIO, "some reason")).message == "the disk: some reason"


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "no such file", "a"), OSError("in words only")], ids=["a file", "words"])
def test_what_is_no_fault_of_a_disk_stays_as_it_is(error):
    assert not is_of_disk(error)
    with pytest.raises(OSError) as raised:  # noqa: PT011  whichever it was
        lost_disk(error)
    assert raised.value is error


def test_a_command_on_a_full_disk_ends_with_words(monkeypatch, capsys):
    def full(_argv):
        raise OSError(errno.ENOSPC, "No space left on device", "outputs/a")

    monkeypatch.setattr("koma.cli.dispatch", full)
    assert main(["run"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("koma: outputs/a: No space left on device\n  do: make room")
