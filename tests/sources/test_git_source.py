"""Commits are read, and nothing else: not the work tree, not the index, and no command of a repository is run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from koma.core.faults import SourceError
from koma.core.problem import Place, Severity
from koma.sources import git_process
from koma.sources.git import GitSource
from koma.sources.git_process import environment, without_credentials

PERSON = {
    "GIT_AUTHOR_NAME": "Aki",
    "GIT_AUTHOR_EMAIL": "aki@example.org",
    "GIT_COMMITTER_NAME": "Aki",
    "GIT_COMMITTER_EMAIL": "aki@example.org",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
}


@pytest.fixture(autouse=True)
def only_our_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(folder, *arguments, data=None):
    done = subprocess.run(
        ["git", "-C", folder, *arguments], check=True, capture_output=True, text=True, input=data, env=os.environ | PERSON, timeout=60
    )
    return done.stdout.strip()


def write(repo, files):
    for path, text in files.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_bytes(text if isinstance(text, bytes) else text.encode())


def commit(repo, files=None):
    write(repo, files or {})
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "a change")
    return git(repo, "rev-parse", "HEAD")


FILES = {
    "projects/a/project.yaml": "kind: project\n",
    "projects/a/s01.yaml": "kind: scene\n",
    "templates/still/graph.json.j2": "{}",
    "README.md": "hello",
}


@pytest.fixture
def repo(tmp_path):
    folder = tmp_path / "a repo's folder"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, FILES)
    return folder


@pytest.fixture
def source(repo, tmp_path):
    return GitSource(repo, "main", ["projects", "templates/"], tmp_path / "cache")


def paths(source, at=None):
    return [path for path, _, _ in source.files(at or source.resolve())]


# What is read


def test_a_ref_resolves_to_its_commit(source, repo):
    assert source.resolve() == source.last() == git(repo, "rev-parse", "main")


def test_files_below_the_folders_have_path_blob_id_and_size(source, repo):
    files = source.files(source.resolve())
    assert [file.path for file in files] == ["projects/a/project.yaml", "projects/a/s01.yaml", "templates/still/graph.json.j2"]
    assert [file.digest for file in files] == [git(repo, "rev-parse", f"main:{file.path}") for file in files]
    assert [file.size for file in files] == [len(FILES[file.path]) for file in files]


@pytest.mark.parametrize("folders", [[], ["."], ["/"]], ids=["none", "a dot", "a slash"])
def test_no_folder_means_every_file(repo, tmp_path, folders):
    assert set(paths(GitSource(repo, "main", folders, tmp_path / "cache"))) == set(FILES)


def test_a_folder_that_the_commit_does_not_have_is_empty(repo, tmp_path):
    assert paths(GitSource(repo, "main", ["nothing", "-r"], tmp_path / "cache")) == []


def test_bytes_come_as_they_were_committed(source, repo):
    odd = {
        "projects/a/binary.png": b"\x89PNG\r\n\x1a\n\0\xff\n",
        "projects/a/empty.yaml": b"",
        "projects/a/\u96e8 name\n.yaml": "雨".encode(),
    }
    at = commit(repo, odd)
    assert source.read(at, odd) == odd


def test_reading_leaves_out_what_the_commit_does_not_have_and_what_is_outside(source):
    at = source.resolve()
    assert source.read(at, ["projects/a/s01.yaml", "projects/none.yaml", "README.md", "../x"]) == {"projects/a/s01.yaml": b"kind: scene\n"}
    assert source.read(at, []) == {}


def test_two_files_of_equal_bytes_are_both_read(source, repo):
    same = {"projects/a/one.yaml": b"same", "projects/a/two.yaml": b"same"}
    assert source.read(commit(repo, same), same) == same


def test_what_is_not_committed_is_not_read(source, repo):
    before = source.files(source.resolve())
    write(repo, {"projects/a/s01.yaml": "edited", "projects/a/new.yaml": "new"})
    git(repo, "add", "projects/a/new.yaml")
    (repo / "projects/a/project.yaml").unlink()
    assert source.files(source.resolve()) == before
    assert source.read(source.resolve(), ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\n"}


def test_a_commit_that_is_being_planned_stays_readable_while_new_ones_come(source, repo):
    old = source.resolve()
    new = commit(repo, {"projects/a/s01.yaml": "kind: scene\nid: s01\n"})
    assert source.resolve() == new != old
    assert source.read(old, ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\n"}
    assert source.read(new, ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\nid: s01\n"}


def test_a_blob_id_changes_with_the_bytes_and_with_nothing_else(source, repo):
    before = {file.path: file.digest for file in source.files(source.resolve())}
    after = {file.path: file.digest for file in source.files(commit(repo, {"projects/a/s01.yaml": "other"}))}
    assert {path for path in before if before[path] != after[path]} == {"projects/a/s01.yaml"}


def test_a_replacement_object_does_not_change_what_a_blob_id_names(source, repo):
    blob = git(repo, "rev-parse", "main:projects/a/s01.yaml")
    git(repo, "replace", blob, git(repo, "hash-object", "-w", "--stdin", data="replaced"))
    assert source.read(source.resolve(), ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\n"}


def test_paths_are_relative_to_a_workspace_inside_the_repository(repo, tmp_path):
    inside = GitSource(repo / "projects", "main", ["a"], tmp_path / "cache")
    assert paths(inside) == ["a/project.yaml", "a/s01.yaml"]
    assert inside.read(inside.resolve(), ["a/s01.yaml"]) == {"a/s01.yaml": b"kind: scene\n"}
    assert paths(GitSource(repo / "projects", "main", [], tmp_path / "cache")) == ["a/project.yaml", "a/s01.yaml"]


def test_a_hook_that_runs_koma_does_not_point_it_elsewhere(source, repo, tmp_path, monkeypatch):
    wanted = source.resolve()
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    assert source.resolve() == wanted


@pytest.mark.parametrize("ref", ["main", "HEAD", "refs/heads/main", "v1", "annotated", "feature/x", "main~0"])
def test_a_ref_may_be_a_branch_a_tag_or_what_leads_to_a_commit(repo, tmp_path, ref):
    git(repo, "tag", "v1")
    git(repo, "tag", "--annotate", "--message", "one", "annotated")
    git(repo, "branch", "feature/x")
    assert GitSource(repo, ref, [], tmp_path).resolve() == git(repo, "rev-parse", "HEAD")


def test_a_commit_id_is_a_ref(repo, tmp_path):
    at = git(repo, "rev-parse", "HEAD")
    assert GitSource(repo, at, [], tmp_path).resolve() == at
    assert GitSource(repo, at[:10], [], tmp_path).resolve() == at


# What is left out


def test_symbolic_links_and_submodules_are_left_out_with_a_warning(source, repo):
    (repo / "projects/a/link.yaml").symlink_to("/etc/passwd")
    commit(repo)
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{git(repo, 'rev-parse', 'HEAD')},projects/sub")
    git(repo, "commit", "--quiet", "--message", "a submodule")
    at = source.resolve()
    assert paths(source, at) == sorted(path for path in FILES if path != "README.md")
    told = source.warnings(at)
    assert [(str(one.place), one.code, one.severity) for one in told] == [
        ("projects/a/link.yaml", "git-skipped", Severity.WARNING),
        ("projects/sub", "git-skipped", Severity.WARNING),
    ]
    assert [one.message for one in told] == ["a symbolic link is not read", "a submodule is not read"]
    assert source.read(at, ["projects/a/link.yaml"]) == {}


def test_a_name_that_is_not_utf8_is_left_out_with_a_warning(source, repo):
    (Path(os.fsdecode(os.fsencode(repo) + b"/projects/a/\xff.yaml"))).write_text("x")
    at = commit(repo)
    assert len(paths(source, at)) == 3
    assert ["not UTF-8" in one.message for one in source.warnings(at)] == [True]


def test_a_plain_commit_has_no_warnings(source):
    assert source.warnings(source.resolve()) == ()


# Nothing of the repository is run


def test_no_command_that_a_repository_names_is_ever_run(source, repo, tmp_path):
    canary = tmp_path / "canary"
    script = tmp_path / "sing.sh"
    script.write_text(f"#!/bin/sh\necho $0 $* >> '{canary}'\ncat\n")
    script.chmod(0o755)
    commit(repo, {".gitattributes": "*.yaml filter=sing diff=sing\n", "projects/.gitattributes": "* filter=sing diff=sing\n"})
    for name in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "filter.sing.smudge",
        "filter.sing.clean",
        "filter.sing.process",
        "diff.sing.textconv",
        "diff.external",
        "alias.rev-parse",
        "alias.ls-tree",
        "uploadpack.packObjectsHook",
    ):
        git(repo, "config", name, f"!{script}" if name.startswith("alias") else str(script))
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "pre-commit", "fsmonitor-watchman"):
        shutil.copy(script, repo / ".git/hooks" / hook)
    remote = GitSource(str(repo), "main", [], tmp_path / "cache")
    for one in (source, remote):
        at = one.resolve()
        assert one.read(at, ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\n"}
    assert not canary.exists()
    git(repo, "status")  # the canary does sing when git is used as people use it
    assert canary.exists()


def test_hooks_of_a_persons_own_template_do_not_enter_the_copy(repo, tmp_path):
    canary = tmp_path / "canary"
    hook = tmp_path / "mine/hooks/reference-transaction"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch '{canary}'\n")
    hook.chmod(0o755)
    git(repo, "config", "--global", "init.templateDir", str(tmp_path / "mine"))
    git(repo, "config", "--global", "core.hooksPath", str(hook.parent))
    remote = GitSource(repo.as_uri(), "main", [], tmp_path / "cache")
    assert remote.resolve() == git(repo, "rev-parse", "HEAD")
    assert not canary.exists()


def test_reading_takes_no_lock_and_changes_nothing_in_the_repository(source, repo):
    def state():
        return {str(file): file.stat().st_mtime_ns for file in sorted((repo / ".git").rglob("*")) if file.is_file()}

    before = state()
    (repo / ".git/index.lock").touch()
    assert source.read(source.resolve(), ["projects/a/s01.yaml"])
    (repo / ".git/index.lock").unlink()
    assert state() == before


# Remote repositories


@pytest.fixture
def remote(repo, tmp_path):
    return GitSource(repo.as_uri(), "main", ["projects"], tmp_path / "cache")


def test_a_remote_is_fetched_and_its_new_commits_are_seen(remote, repo):
    assert remote.last() is None
    first = remote.resolve()
    assert first == remote.last() == git(repo, "rev-parse", "main")
    assert remote.read(first, ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\n"}
    second = commit(repo, {"projects/a/s01.yaml": "next"})
    assert remote.resolve() == second
    assert remote.read(second, ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"next"}
    assert remote.read(first, ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\n"}


def test_a_remote_whose_history_was_rewritten_is_followed(remote, repo):
    remote.resolve()
    git(repo, "commit", "--quiet", "--amend", "--message", "rewritten")
    assert remote.resolve() == git(repo, "rev-parse", "main")


@pytest.mark.parametrize("ref", ["refs/heads/main", "v1", "HEAD"])
def test_a_remote_ref_may_be_a_branch_a_tag_or_head(repo, tmp_path, ref):
    git(repo, "tag", "v1")
    assert GitSource(str(repo), ref, [], tmp_path / "cache").resolve() == git(repo, "rev-parse", "main")


def test_the_last_commit_of_a_remote_that_went_away_can_still_be_read(remote, repo):
    at = remote.resolve()
    repo.rename(repo.with_name("gone"))
    told = remote.resolve()
    assert told.code == "git-fetch"
    assert "git ls-remote" in told.hint
    assert remote.last() == at
    assert remote.read(at, ["projects/a/s01.yaml"]) == {"projects/a/s01.yaml": b"kind: scene\n"}


def test_two_refs_of_a_remote_have_copies_of_their_own(remote, repo, tmp_path):
    remote.resolve()
    assert GitSource(repo.as_uri(), "other", ["projects"], tmp_path / "cache").last() is None


def test_a_remote_does_not_have_the_ref(repo, tmp_path):
    told = GitSource(repo.as_uri(), "nope", [], tmp_path / "cache").resolve()
    assert (told.code, "has no 'nope' to give" in told.message, "git ls-remote" in told.hint) == ("missing-ref", True, True)


def test_a_copy_that_can_not_be_made_is_told(repo, tmp_path):
    (tmp_path / "cache").touch()
    told = GitSource(repo.as_uri(), "main", [], tmp_path / "cache").resolve()
    assert (told.code, "can't make" in told.message) == ("git-cache", True)


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% canary", "--upload-pack=touch canary"], ids=["a command as address", "an option as address"]
)
def test_an_address_that_would_run_a_command_is_refused(tmp_path, url, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = GitSource(url, "main", [], tmp_path / "cache").resolve()
    assert told.code in {"git-ref", "git-fetch"}
    assert not list(tmp_path.rglob("canary"))


def _complaining(tmp_path, monkeypatch, words, name="fetch"):
    """Put a git first on the path of which one command fails with these words."""
    real = shutil.which("git")
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ncase "$*" in *" {name} "*) echo "{words}" >&2; exit 128;; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    "words",
    [
        "fatal: Authentication failed for 'https://me:secret@host/x'",
        "fatal: could not read Username: terminal prompts disabled",
        "Permission denied (publickey).",
    ],
    ids=["a wrong password", "no password", "no key"],
)
def test_a_remote_that_lets_nobody_in_says_how_to_be_let_in_and_no_secret(tmp_path, monkeypatch, words):
    _complaining(tmp_path, monkeypatch, words)
    told = GitSource("https://me:secret@host/x", "main", [], tmp_path / "cache").resolve()
    assert (told.code, "deploy key" in told.hint) == ("git-no-access", True)
    assert "secret" not in str(told)


# Problems


@pytest.mark.parametrize("ref", ["", "-n", "--output=x", "main:README.md", "a b", "a\nb", "a*", "a\0b"])
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_what_is_no_ref_is_never_handed_to_git(repo, tmp_path, ref, remote):
    told = GitSource(repo.as_uri() if remote else repo, ref, [], tmp_path / "cache").resolve()
    assert (told.code, told.expected) == ("git-ref", "a branch, a tag or a commit id")


def test_a_ref_that_is_not_there_is_told_with_its_name(repo, tmp_path):
    told = GitSource(repo, "mian", [], tmp_path, place=Place("koma.yaml", 4, 8)).resolve()
    assert (str(told.place), told.code) == ("koma.yaml:4:8", "missing-ref")
    assert "'mian'" in told.message
    assert "git branch" in told.hint
    assert GitSource(repo, "mian", [], tmp_path).last() is None


def test_a_repository_without_a_commit_is_told(tmp_path):
    git(tmp_path, "init", "--quiet")
    told = GitSource(tmp_path, "HEAD", [], tmp_path).resolve()
    assert (told.code, "first commit" in told.hint) == ("missing-ref", True)


def test_a_folder_without_a_repository_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    told = GitSource(tmp_path, "main", [], tmp_path).resolve()
    assert (told.code, str(tmp_path) in told.message, "git init" in told.hint) == ("not-a-repository", True, True)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    told = GitSource(tmp_path / "nowhere", "main", [], tmp_path).resolve()
    assert (told.code, str(tmp_path / "nowhere") in told.message) == ("missing-repository", True)


def test_a_machine_without_git_is_told(source, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = source.resolve()
    assert (told.code, told.hint) == ("missing-git", "install git, or set `source.mode: directory`")


def test_a_repository_of_another_owner_is_told_with_the_command_that_helps(source, repo, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    told = source.resolve()
    assert told.code == "git-dubious-ownership"
    command = told.hint.partition(": ")[2]
    assert command.startswith("git config --global --add safe.directory ")
    subprocess.run(["sh", "-c", command], check=True, timeout=60)
    assert source.resolve() == git(repo, "rev-parse", "main")


@pytest.mark.parametrize(
    "complaint", ["fatal: unsafe repository ('/x' is owned by someone else)", "fatal: detected dubious ownership"], ids=["old", "terse"]
)
def test_a_git_that_names_no_command_that_helps_gets_one_from_koma(source, tmp_path, monkeypatch, complaint):
    _complaining(tmp_path, monkeypatch, complaint, "rev-parse")
    told = source.resolve()
    assert told.code == "git-dubious-ownership"
    assert "git config --global --add safe.directory '" in told.hint


def test_a_commit_that_is_not_there_is_told(source):
    told = source.files("0" * 40)
    assert told.code == "git-failed"
    assert "not a tree object" in told.message
    assert source.warnings("0" * 40) == ()
    with pytest.raises(SourceError, match="not a tree object"):
        source.read("0" * 40, ["projects/a/s01.yaml"])


@pytest.mark.parametrize("commit_id", ["main", "--help", "", "abc"])
def test_files_are_only_asked_of_a_whole_commit_id(source, commit_id):
    with pytest.raises(ValueError, match="not a commit id"):
        source.files(commit_id)


def test_an_object_that_is_gone_is_told(source, repo):
    at = source.resolve()
    source.files(at)
    blob = git(repo, "rev-parse", "main:projects/a/s01.yaml")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError, match=f"does not have object {blob}"):
        source.read(at, ["projects/a/s01.yaml"])


def test_a_git_that_takes_too_long_is_told(source):
    told = source._git.run("rev-parse", "HEAD", timeout=0.0)
    assert (told.code, "git rev-parse did not finish within 0 s" in told.message) == ("git-timeout", True)


@pytest.mark.parametrize("trap", ["", "trap '' TERM;"], ids=["that listens", "that does not listen"])
def test_a_git_that_hangs_is_ended_with_all_it_started(trap, monkeypatch):
    monkeypatch.setattr(git_process, "_GRACE_SECONDS", 0.2)
    reading, writing = os.pipe()
    with subprocess.Popen(
        ["sh", "-c", f"{trap} sleep 600 & echo ready; wait; sleep 600"], stdout=subprocess.PIPE, pass_fds=[writing], start_new_session=True
    ) as process:
        os.close(writing)
        assert process.stdout.readline() == b"ready\n"
        git_process._end(process)
    with os.fdopen(reading, "rb") as rest:
        assert rest.read() == b""  # ends only when nobody is left who could write


def test_secrets_are_left_out_of_addresses():
    assert without_credentials("git fetch https://me:secret@host/x ssh://git@host/y") == "git fetch https://host/x ssh://host/y"


def test_the_environment_is_kept_but_for_what_points_elsewhere():
    given = {"PATH": "/bin", "GIT_SSH_COMMAND": "ssh -i key", "GIT_DIR": "/x", "GIT_CONFIG_COUNT": "1", "GIT_OPTIONAL_LOCKS": "1"}
    kept = environment(given)
    assert (kept["PATH"], kept["GIT_SSH_COMMAND"], kept["GIT_OPTIONAL_LOCKS"], kept["GIT_TERMINAL_PROMPT"]) == (
        "/bin",
        "ssh -i key",
        "0",
        "0",
    )
    assert not {"GIT_DIR", "GIT_CONFIG_COUNT"} & kept.keys()
