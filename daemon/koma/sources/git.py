"""Documents and templates of one commit, of a local or a remote repository. The work tree and the index are never read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from koma.core.faults import SourceError
from koma.core.problem import Place, Problem, Severity
from koma.core.snapshot import SourceFile
from koma.sources.git_process import Git, without_credentials

_WATCHED = "refs/koma/watched"
_FETCH_SECONDS = 120.0
_LOCAL_REF = re.compile(r"(?!-)[^\s\x00-\x1f\x7f:?*\[\\]+")
_REMOTE_REF = re.compile(r"(?![-+])[^\s\x00-\x1f\x7f:?*\[\\^~]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ENTRY = re.compile(rb"([0-7]{5,6}) [a-z]+ ([0-9a-f]{40}|[0-9a-f]{64}) +([0-9]{1,18}|-)")
_BLOB = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) blob ([0-9]{1,18})")
_SKIPPED = {b"120000": "a symbolic link", b"160000": "a submodule"}
_LOST_REF = ("couldn't find remote ref", "not our ref", "Server does not allow request")
_NO_ACCESS = ("Authentication failed", "could not read Username", "Permission denied", "Host key verification failed")


class GitSource:
    """One ref of one repository.

    `repo` is a folder in a local repository (paths are then relative to that folder) or the address of a remote one, of which a
    small bare copy is kept in `cache_dir`. `folders` are the paths below which files are listed; none means everything.
    `place` is where a person wrote all this, for Problems.
    """

    def __init__(self, repo: Path | str, ref: str, folders: Sequence[str], cache_dir: Path, *, place: Place | None = None) -> None:
        self._url = repo if isinstance(repo, str) else ""
        self._ref = ref
        self._folders = tuple(folder for folder in (name.strip("/") for name in folders) if folder not in ("", "."))
        self._git = Git(_mirror(cache_dir, repo, ref) if isinstance(repo, str) else repo, place or Place("koma.yaml"))
        self._listed: tuple[str, dict[str, SourceFile], tuple[Problem, ...]] | None = None

    def resolve(self) -> str | Problem:
        """Return the commit id that the ref names now; a remote repository is fetched first. Seconds of network time at most: 120."""
        ref = _REMOTE_REF if self._url else _LOCAL_REF
        if ref.fullmatch(self._ref) is None or self._url.startswith("-"):
            return self._git.problem("git-ref", f"{self._ref!r} is no ref that can be read", expected="a branch, a tag or a commit id")
        if not self._url:
            return self._commit_of(self._ref)
        return self._fetch() or self._commit_of(_WATCHED)

    def last(self) -> str | None:
        """Return the commit that was resolved last, without the network: what to go on with while a remote can't be reached."""
        found = self._commit_of(_WATCHED if self._url else self._ref)
        return found if isinstance(found, str) else None

    def recent(self, count: int) -> dict[str, float] | Problem:
        """Return commit id → time (epoch seconds) of the last commits that the ref leads to; of a remote, as many as were fetched."""
        commit = self.last()
        if commit is None or count < 1:
            found = None if count < 1 else self._commit_of(_WATCHED if self._url else self._ref)
            return found if isinstance(found, Problem) else {}
        printed = self._git.run("rev-list", f"--max-count={count}", "--timestamp", commit, "--")
        if isinstance(printed, Problem):
            return printed
        lines = (line.split() for line in printed.decode().splitlines())
        return {commit: float(time) for time, commit in lines}

    def files(self, commit: str) -> tuple[SourceFile, ...] | Problem:
        """Return (path, blob id, size in bytes) of every file of that commit below the folders, by path."""
        listed = self._list(commit)
        return listed if isinstance(listed, Problem) else tuple(listed[0].values())

    def warnings(self, commit: str) -> tuple[Problem, ...]:
        """Return what `files` left out, and why: symbolic links, submodules and names that are not UTF-8."""
        listed = self._list(commit)
        return () if isinstance(listed, Problem) else listed[1]

    def read(self, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
        """Return path → bytes; paths that the commit does not have are left out. Raises SourceError where git can't read them."""
        listed = self._list(commit)
        if isinstance(listed, Problem):
            raise SourceError(str(listed))
        wanted = {path: listed[0][path].digest for path in paths if path in listed[0]}
        if not wanted:
            return {}
        blobs = self._blobs(sorted(set(wanted.values())))
        return {path: blobs[blob] for path, blob in wanted.items()}

    def _commit_of(self, ref: str) -> str | Problem:
        found = self._git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if isinstance(found, bytes):
            return found.decode().strip()
        if found.code != "git-failed":
            return found
        return self._git.problem(
            "missing-ref",
            f"there is no commit {self._ref!r} in {self._git.folder}",
            expected="a branch, a tag or a commit id",
            hint="see `git branch --all` and `git tag`; a new repository needs a first commit",
        )

    def _fetch(self) -> Problem | None:
        made = self._make_mirror()
        if isinstance(made, Problem):
            return made
        options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--force", "--depth=1")
        fetched = self._git.run("fetch", *options, "--", self._url, f"+{self._ref}:{_WATCHED}", timeout=_FETCH_SECONDS)
        return self._explained(fetched) if isinstance(fetched, Problem) else None

    def _make_mirror(self) -> Problem | None:
        folder = self._git.folder
        if (folder / "HEAD").exists():
            return None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return self._git.problem("git-cache", f"can't make {folder}: {error.strerror}", hint="choose another `paths.state`")
        # An empty template, because a person's own may bring hooks.
        made = self._git.run("init", "--bare", "--quiet", "--template=", ".")
        return made if isinstance(made, Problem) else None

    def _explained(self, failed: Problem) -> Problem:
        where = without_credentials(self._url)
        if any(words in failed.message for words in _LOST_REF):
            return self._git.problem(
                "missing-ref",
                f"{where} has no {self._ref!r} to give",
                expected="a branch, a tag or a whole commit id",
                hint=f"see `git ls-remote {where}`",
            )
        if any(words in failed.message for words in _NO_ACCESS):
            hint = "give the user that runs Koma a deploy key or a credential helper; it is never asked for a password"
            return self._git.problem("git-no-access", f"{where} does not let Koma in: {failed.message}", hint=hint)
        if failed.code != "git-failed":
            return failed
        hint = f"try `git ls-remote {where}`; if that works, delete {self._git.folder}, and Koma fetches it anew"
        return self._git.problem("git-fetch", f"{where} can't be fetched: {failed.message}", hint=hint)

    def _list(self, commit: str) -> tuple[dict[str, SourceFile], tuple[Problem, ...]] | Problem:
        if self._listed is None or self._listed[0] != commit:
            if _COMMIT.fullmatch(commit) is None:
                raise ValueError(f"not a commit id: {commit!r}")
            printed = self._git.run("ls-tree", "-r", "-l", "-z", "--", commit, *self._folders)
            if isinstance(printed, Problem):
                return printed
            entries = list(_entries(printed))
            files = {entry.path: entry for entry in entries if isinstance(entry, SourceFile)}
            self._listed = (commit, files, tuple(entry for entry in entries if isinstance(entry, Problem)))
        return self._listed[1:]

    def _blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        printed = self._git.run("cat-file", "--batch", data="".join(f"{blob}\n" for blob in ids).encode(), timeout=_FETCH_SECONDS)
        if isinstance(printed, Problem):
            raise SourceError(str(printed))
        return dict(_batch(printed, self._git))


def _mirror(cache_dir: Path, url: str, ref: str) -> Path:
    return cache_dir / f"git-{sha256(repr((url, ref)).encode()).hexdigest()[:16]}"


def _entries(printed: bytes) -> Iterator[SourceFile | Problem]:
    for record in printed.split(b"\0")[:-1]:
        head, _, name = record.partition(b"\t")
        found = _ENTRY.fullmatch(head)
        if found is None:
            raise _unreadable("ls-tree", record)
        mode, blob, size = found.groups()
        path = name.decode(errors="replace")
        if mode in _SKIPPED:
            yield _skipped(path, _SKIPPED[mode], "put the files themselves there")
        elif path.encode() != name:
            yield _skipped(path, "a name that is not UTF-8", "rename it")
        else:
            yield SourceFile(path, blob.decode(), 0 if size == b"-" else int(size))


def _unreadable(command: str, printed: bytes) -> SourceError:
    return SourceError(f"git {command} printed what can't be read: {printed[:60]!r}", "run `git fsck` there, and see whether git is sound")


def _skipped(path: str, what: str, hint: str) -> Problem:
    return Problem(Place(path), "git-skipped", f"{what} is not read", "a plain file", hint, severity=Severity.WARNING)


def _batch(printed: bytes, git: Git) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(printed):
        end = printed.find(b"\n", at)
        head = _BLOB.fullmatch(printed[at : max(at, end)])
        if head is None:
            raise _no_blob(printed[at : max(at, end)], git)
        blob, size = head.groups()
        at = end + 1 + int(size)
        yield blob.decode(), printed[end + 1 : at]
        at += 1


def _no_blob(line: bytes, git: Git) -> SourceError:
    words = line.decode(errors="replace").split()
    if words[1:] != ["missing"] and words[1:2] not in (["tree"], ["commit"], ["tag"]):
        return _unreadable("cat-file", line)
    hint = "run `git fsck` there; a partial or damaged clone must be cloned again"
    return SourceError(str(git.problem("git-missing-object", f"{git.folder} does not have object {words[0]}", hint=hint)))
