"""What kind of file system a path lies on, from the kernel's table of mounts, and what that means for watching and locking. Pure."""

import re

# Other machines use what lies here too. They can change it without an event on this one, and may not see its locks.
SHARED = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "glusterfs"})
# A host, or a lower layer, can change what lies here without an event.
SILENT = SHARED | {"9p", "virtiofs", "vboxsf", "overlay", "aufs"}
_ESCAPED = re.compile(r"\\([0-7]{3})")


def filesystem_of(path: str, mounts: str) -> str:
    """Type of the file system (`ext4`, `nfs4`, `fuse.sshfs`) of an absolute path without links; "" if unknown.

    `mounts` is the text of /proc/self/mountinfo (proc(5)). The last mount of the longest mount point wins, as it lies on top.
    """
    best, found = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        point = _plain(fields[4]) if len(fields) > 4 else "\0"  # noqa: PLR2004  # the fifth field
        if len(point) >= best and (path == point or path.startswith(point.rstrip("/") + "/")):
            best, found = len(point), after.split(" ")[0]
    return found


def is_silent(kind: str) -> bool:
    """Whether changes on such a file system may raise no event on this machine."""
    return kind in SILENT or kind.startswith("fuse.")


def _plain(point: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), point)
