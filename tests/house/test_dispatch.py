"""The command line finds its command, its workspace, and words for what went wrong."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer

from koma.__main__ import main
from koma.cli import COMMANDS
from koma.core.errors import KomaError


@pytest.fixture
def command(monkeypatch):
    """Put a made-up module in place of `koma status`."""

    def put(**content):
        module = ModuleType("koma.cli.status")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, "koma.cli.status", module)

    return put


def show(ctx: typer.Context, target: str = "all", code: int = 0) -> int:
    typer.echo(f"{target} in {ctx.obj}")
    return code


@pytest.mark.parametrize(
    ("argv", "code", "out"),
    [
        (["status"], 0, "all in None\n"),
        (["status", "--target", "a/b", "--code", "3"], 3, "a/b in None\n"),
        (["--workspace", "/w", "status"], 0, "all in /w\n"),
        (["status", "--workspace=/w"], 0, "all in /w\n"),
        (["status", "--workspace", "/w", "--target", "x"], 0, "x in /w\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_typer_command_gets_arguments_and_workspace(command, capsys, argv, code, out):
    command(command=show)
    assert main(argv) == code
    assert capsys.readouterr().out == out


def test_a_command_without_a_code_means_success(command):
    command(command=lambda: None)
    assert main(["status"]) == 0


def test_a_command_may_leave_with_a_code(command):
    def leave():
        raise typer.Exit(3)

    command(command=leave)
    assert main(["status"]) == 3


def test_a_command_with_sub_commands_is_a_typer_app(command, capsys):
    app = typer.Typer()
    app.command("show")(show)
    app.command("other")(lambda: 4)
    command(app=app)
    assert main(["status", "show", "--target", "x", "--workspace", "/w"]) == 0
    assert capsys.readouterr().out == "x in /w\n"
    assert main(["status", "other"]) == 4


def test_a_fast_command_gets_its_words_and_the_workspace(command):
    seen = []
    command(run=lambda args, workspace: seen.append((args, workspace)) or 2)
    assert main(["status", "a", "--json", "--workspace", "w", "--", "--workspace", "x"]) == 2
    assert seen == [(["a", "--json", "--", "--workspace", "x"], Path("w"))]


def fail_with(error: BaseException):
    def run(_args, _workspace):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KomaError("the disk is full", "koma gc"), 1, "koma: the disk is full\n  do: koma gc\n"),
        (KomaError("someone has to look", exit_code=3), 3, "koma: someone has to look\n"),
        (KeyboardInterrupt(), 130, "koma: stopped by the keyboard\n"),
    ],
    ids=["an error with a hint", "an error with a code of its own", "Ctrl-C"],
)
def test_an_error_is_words_and_a_code(command, capsys, error, code, words):
    command(run=fail_with(error))
    assert main(["status"]) == code
    assert capsys.readouterr().err == words


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["paln"], "there is no command `paln`\n  do: did you mean `plan`?"),
        (["xyzzy"], "there is no command `xyzzy`\n  do: koma --help"),
        (["status", "--workspace"], "--workspace needs a folder"),
        (["status", "--nonsense"], "No such option: --nonsense"),
        (["status", "--code", "x"], "Invalid value for '--code'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_ends_with_2_and_a_hint(command, capsys, argv, words):
    command(command=show)
    assert main(argv) == 2
    said = capsys.readouterr().err
    assert said.startswith("koma: ")
    assert words in said
    assert "\n  do: " in said


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(capsys, argv):
    assert main(argv) == 0
    out = capsys.readouterr().out
    for name, about in COMMANDS.items():
        assert f"  {name} " in out
        assert about in out


def test_a_reader_that_goes_away_ends_it_quietly():
    code = "import sys; from koma.__main__ import main; import koma.cli; koma.cli.overview = lambda: 'x' * 10**6; sys.exit(main(['help']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
