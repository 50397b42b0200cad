"""One commit as a snapshot: documents and templates from git, reference pictures and reviews from the work tree beside it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from koma.core.alike import apart
from koma.core.faults import SourceError
from koma.core.problem import Problem, Severity
from koma.core.snapshot import Snapshot, SourceFile, classify
from koma.sources.directory import DirectorySource
from koma.sources.git import GitSource


class CommitSource:
    """Snapshots of one ref. Blob ids stand for the bytes of documents, so a file that no commit changed is never read."""

    def __init__(self, directory: DirectorySource, git: GitSource) -> None:
        self._directory = directory
        self._git = git
        self._commit = ""
        self._reviews: frozenset[str] = frozenset()

    def snapshot(self) -> Snapshot:
        """Resolve the ref and list its commit. Raises SourceError when there is no commit to be had."""
        warnings: list[Problem] = []
        commit = self._git.resolve()
        if isinstance(commit, Problem):
            commit = self._go_on(commit, warnings)
        files = self._git.files(commit)
        if isinstance(files, Problem):
            raise SourceError(str(files))
        self._commit = commit
        tree = self._directory.snapshot()
        folders = expand_paths((file.path for file in files), self._directory.watch)
        kinds = {file.path: classify(file.path, folders, self._directory.templates) for file in files}
        committed = {file.path: file for file in files if kinds[file.path] == "document" and not is_review(file.path, folders)}
        reviews = {path: file for path, file in tree.documents.items() if is_review(path, folders)}
        self._reviews = frozenset(reviews)
        templates = {file.path: file for file in files if kinds[file.path] == "template"}
        pictures = (p for p in tree.problems if classify(p.place.file, tree.project_folders, self._directory.templates) == "image")
        problems = (*warnings, *self._git.warnings(commit), *pictures)
        return apart(Snapshot(folders, committed | reviews, tree.images, templates, problems, commit, unsettled=tree.unsettled))

    def _go_on(self, problem: Problem, warnings: list[Problem]) -> str:
        """Use the commit that was seen last while a remote can't be reached, and say so."""
        last = self._git.last()
        if last is None:
            raise SourceError(str(problem))
        warnings.append(Problem(problem.place, problem.code, problem.message, problem.expected, problem.hint, severity=Severity.WARNING))
        return last

    def read(self, files: Sequence[SourceFile]) -> dict[str, bytes]:
        """Path → bytes of documents and templates as committed, and of reviews as they lie in the work tree."""
        reviews = [file for file in files if file.path in self._reviews]
        committed = [file.path for file in files if file.path not in self._reviews]
        return self._git.read(self._commit, committed) | (self._directory.read(reviews) if reviews else {})

    def local(self, file: SourceFile) -> Path:
        """Where a picture lies."""
        return self._directory.local(file)


def is_review(path: str, folders: Iterable[str]) -> bool:
    """Whether a document lies in the reviews/ of a project folder: what people decide counts before it is committed."""
    return any(path.startswith(f"{folder}/reviews/") for folder in folders)


def expand_paths(paths: Iterable[str], watch: Iterable[str]) -> tuple[str, ...]:
    """Folders that patterns such as `projects/*` stand for in a list of paths, sorted."""
    listed = list(paths)
    found: set[str] = set()
    for pattern in watch:
        base = pattern.removesuffix("/*").rstrip("/")
        inside = [path[len(base) + 1 :] for path in listed if path.startswith(f"{base}/")]
        if pattern.endswith("/*"):
            found.update(f"{base}/{path.split('/', 1)[0]}" for path in inside if "/" in path)
        elif inside:
            found.add(base)
    return tuple(sorted(found))
