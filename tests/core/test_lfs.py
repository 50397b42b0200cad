"""Git LFS pointers are told from pictures."""

import pytest

from koma.core.lfs import is_lfs_pointer

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"

CASES = {
    "a pointer": (POINTER, True),
    "a pointer of the first releases": (POINTER.replace(b"git-lfs.github.com", b"hawser.github.com"), True),
    "a pointer with an extension": (POINTER.replace(b"oid", b"ext-0-foo sha256:12\noid", 1), True),
    "a pointer with line ends of Windows": (POINTER.replace(b"\n", b"\r\n"), True),
    "nothing": (b"", False),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(64), False),
    "a text about pointers": (b"# " + POINTER, False),
    "a pointer without oid": (POINTER.replace(b"oid", b"old"), False),
    "a pointer without size": (POINTER.replace(b"size", b"length"), False),
    "only the version": (POINTER.split(b"\n")[0], False),
    "a large file that begins like one": (POINTER + b"x" * 2000, False),
}


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES.keys())
def test_whether_these_bytes_are_a_pointer(data, expected):
    assert is_lfs_pointer(data) is expected
