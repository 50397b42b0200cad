"""Git LFS pointers: small text files that stand where a picture should be."""

POINTER_LIMIT = 1024
_VERSIONS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")


def is_lfs_pointer(data: bytes) -> bool:
    """Whether these bytes, a whole file or its first kilobyte, are a Git LFS pointer and not the content it stands for."""
    if len(data) > POINTER_LIMIT or not data.startswith(_VERSIONS):
        return False
    keys = {line.split(b" ", 1)[0] for line in data.splitlines()}
    return {b"oid", b"size"} <= keys
