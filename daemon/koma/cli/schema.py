"""`koma schema`: writes the JSON Schemas of the specs, for editors, and the tables of all fields."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is not current.")] = False,
) -> int:
    """Write specs/*.schema.json, and the field tables of specs/README.md where it has markers for them."""
    from koma.cli.printing import count, say
    from koma.config import find_workspace
    from koma.core.errors import KomaError

    folder = find_workspace(ctx.obj, Path.cwd()) / "specs"
    wanted = files(folder)
    stale = [file for file, text in wanted.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]
    if check and stale:
        raise KomaError(f"not current: {', '.join(file.name for file in stale)}", "koma schema")
    for file in stale:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[file], encoding="utf-8")
        say(f"wrote {file}")
    if not stale:
        say(f"{count(len(wanted), 'file')} in {folder}: all current")
    return 0


def files(folder: Path) -> dict[Path, str]:
    """Every file of a specs folder that is generated, with its text."""
    from koma.core.schema import BEGIN, schema_text, schemas, with_reference

    wanted = {folder / name: schema_text(schema) for name, schema in schemas().items()}
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    return wanted | {readme: with_reference(text)} if BEGIN in text else wanted
