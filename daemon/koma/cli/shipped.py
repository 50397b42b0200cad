"""What ships with Koma for a workspace: the templates, and the files of a new one. From an installed wheel, or beside a clone's package."""

from importlib import resources
from pathlib import Path

from koma.core.errors import KomaError
from koma.core.hints import did_you_mean

_DATA = Path(str(resources.files("koma"))) / "data"
_RENAMED = {"gitignore": ".gitignore"}  # under its real name, tools that build packages would obey it


def templates_folder() -> Path:
    """Folder of the templates that ship with this Koma. Raises KomaError where they are missing."""
    for folder in (_DATA / "templates", _DATA.parents[2] / "templates"):
        if folder.is_dir():
            return folder
    raise KomaError("this Koma came without its templates", "install it again")


def template_names() -> list[str]:
    """Names of the templates that ship with this Koma."""
    return sorted(file.parent.name for file in templates_folder().glob("*/template.yaml"))


def template_folder(name: str) -> Path:
    """Folder of one of them. Raises KomaError for a name that is not there."""
    names = template_names()
    if name not in names:
        raise KomaError(
            f"no template called {name!r} ships with Koma", did_you_mean(name, names) or f"one of {', '.join(names)}", exit_code=2
        )
    return templates_folder() / name


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones and compiled ones left out: path relative to it → bytes."""
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    names = {file: file.relative_to(folder) for file in found}
    return {name.as_posix(): file.read_bytes() for file, name in names.items() if not _hidden(name)}


def _hidden(name: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in name.parts)


def workspace_files() -> dict[str, bytes]:
    """Every file of a new workspace: settings, a commented sample project, templates, and the schemas that editors read."""
    from koma.core.schema import schema_text, schemas

    files = {_RENAMED.get(name, name): content for name, content in files_of(_DATA / "workspace").items()}
    files |= {f"templates/{name}": content for name, content in files_of(templates_folder()).items()}
    return files | {f"specs/{name}": schema_text(schema).encode() for name, schema in schemas().items()}
