"""The `koma` command. `--version` and `koma plan` come through here without the command-line library, for start-up time."""

import os
import sys

TYPE_CHECKING = False  # `typing` itself costs start-up time
if TYPE_CHECKING:
    from koma.core.errors import KomaError

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for plugins costs a fifth of the time that pydantic takes to start


def main(argv: list[str] | None = None) -> int:
    """Run one command line (without the program name) and return the exit code."""
    own, argv = argv is None, sys.argv[1:] if argv is None else argv
    if argv in (["--version"], ["-V"]):
        from koma import __version__

        sys.stdout.write(f"koma {__version__}\n")
        return 0
    from koma.cli import dispatch
    from koma.core.errors import KomaError

    if own:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a text stream; a narrow terminal must end nothing
    try:
        code = dispatch(argv)
        sys.stdout.flush()
        if own and "plan" in argv[:1]:
            sys.stderr.flush()
            os._exit(code)  # everything is closed; freeing ten thousand values one by one would only take time
    except KomaError as error:
        return _told(error)
    except KeyboardInterrupt:
        sys.stderr.write("koma: stopped by the keyboard\n")
        return 130
    except BrokenPipeError:
        return _closed_pipe()
    except OSError as error:
        from koma.core.faults import lost_disk

        return _told(lost_disk(error))
    return code


def _told(error: "KomaError") -> int:
    """Tell a person why the command ended; its exit status."""
    from koma.core.redact import redact_text
    from koma.core.shown import printable_text

    sys.stderr.write(f"koma: {printable_text(redact_text(str(error)))}\n")
    return error.exit_code


def _closed_pipe() -> int:
    """End quietly, the last flush included, when the reader of our output went away (`koma status | head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


if __name__ == "__main__":
    sys.exit(main())
