"""`koma init [DIR]`: a new workspace, with templates and a commented sample. Nothing that is there is overwritten."""

from pathlib import Path
from typing import Annotated

import typer

_KEPT = frozenset({".gitignore"})  # one that is there already stays as it is
_MOST = 5


def command(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Where; here, if left out.")] = None,
) -> int:
    """Make a workspace: koma.yaml, templates, specs, and a project of two shots that renders at once."""
    from koma.cli.shipped import workspace_files

    root = folder or ctx.obj or Path()
    files = workspace_files()
    _refuse(root, sorted(name for name in files if (root / name).exists() and name not in _KEPT))
    kept = [name for name in files if (root / name).exists()]
    for name, content in files.items():
        if name not in kept:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    _tell(root, kept)
    return 0


def _refuse(root: Path, there: list[str]) -> None:
    from koma.core.errors import KomaError

    if root.exists() and not root.is_dir():
        raise KomaError(f"{root} is a file", "koma init DIR, with the name of a folder")
    if there:
        more = f" and {len(there) - _MOST} more" if len(there) > _MOST else ""
        raise KomaError(f"{root.resolve()} already holds {', '.join(there[:_MOST])}{more}", "koma init DIR, with the name of a new folder")


def _tell(root: Path, kept: list[str]) -> None:
    from koma.cli.printing import print_lines

    lines = [f"A new workspace lies in {root.resolve()}. Its sample story is in projects/my-story/."]
    lines += ["Your .gitignore was left as it is: add outputs/ to it."] if kept else []
    steps = [] if root.resolve() == Path.cwd() else [f"cd {root}"]
    lines += ["Next:", *(f"  {step}" for step in [*steps, "koma plan        what would be rendered", "koma run --once  render it"])]
    print_lines(lines)
