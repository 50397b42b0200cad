"""What the pages of characters show, as JSON values: one page for each character, and one that lists them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from koma.core.document import Doc
from koma.core.faces import in_words
from koma.core.references import looks
from koma.core.rows import Published
from koma.core.sheet import has_sheet, poses_of, versions_of
from koma.core.spec.standard import BASE_VERSION
from koma.core.target import SHEETS
from koma.core.world import World

PAGES_FORMAT = "2"
NOT_MADE = "not made yet"

Rows = Mapping[str, Sequence[Published]]
"""What is published, by the address that the target ids begin with (`p/s01/sh010`, `p/characters/aki/adult`)."""


class Appearance(NamedTuple):
    """A character in a shot: `p/s01/sh010`, and version and outfit as scene and shot name them, "" for the character's default."""

    who: str
    address: str
    title: str
    version: str
    outfit: str


def appearances(project: str, scene: Doc) -> Iterator[Appearance]:
    """Who appears in which shot of a scene: those that a shot names, else everybody in the scene."""
    in_scene = {entry["id"]: entry for entry in scene.data.get("characters") or ()}
    for shot in scene.data.get("shots") or ():
        named = shot.get("characters")
        for entry in in_scene.values() if named is None else named:
            both = {**in_scene.get(entry["id"], {}), **entry}
            address = f"{project}/{scene.id}/{shot['id']}"
            yield Appearance(entry["id"], address, shot.get("title") or "", both.get("version") or "", both.get("outfit") or "")


def shown_versions(world: World, doc: Doc) -> list[str]:
    """Versions that have a record: all of them, and `base` for who has none or has pictures of its own."""
    versions = list(doc.data.get("versions") or ())
    base = not versions or any(found.used or found.refused for found in looks(world, doc, ""))
    return [BASE_VERSION, *versions] if base else versions


def rows_by_address(published: Sequence[Published]) -> dict[str, list[Published]]:
    """Sort published rows by shot, or by version of a sheet."""
    found: dict[str, list[Published]] = {}
    for row in sorted(published):
        parts = row.target.split("/")
        found.setdefault("/".join(parts[: 4 if parts[1] == SHEETS else 3]), []).append(row)
    return found


def page_facts(
    world: World, doc: Doc, records: Mapping[str, Mapping[str, Any]], pictures: Mapping[str, str], shots: Sequence[Appearance], rows: Rows
) -> dict[str, Any]:
    """Give what the page of one character shows.

    `records` are identity records by version, `pictures` the addresses of small pictures by content digest, `shots` where it appears.
    """
    data = doc.data
    return {
        "project": {"id": world.id, "title": world.project.data.get("title") or world.id},
        "id": doc.id,
        "name": data.get("name", doc.id),
        "about": [(word, str(data[word])) for word in ("role", "personality", "backstory") if data.get(word)],
        "versions": [_version(world, doc, version, record, pictures, rows) for version, record in records.items()],
        "shots": [_shot(doc, shot, rows) for shot in shots],
    }


def _version(world: World, doc: Doc, version: str, record: Mapping[str, Any], pictures: Mapping[str, str], rows: Rows) -> dict[str, Any]:
    own = (doc.data.get("versions") or {}).get(version) or {}
    parts = [("", record), *record["overlays"].items()]
    return {
        "id": version,
        "about": [(word, str(own[key])) for word, key in _ABOUT if own.get(key)],
        "pictures": [
            {"path": image["path"], "shows": part, "size": f"{image['width']} x {image['height']} px", "small": pictures.get(digest, "")}
            for part, found in parts
            for image in found["images"]
            for digest in (image["content_digest"],)
        ],
        "refused": [{**refused, "shows": part} for part, found in parts for refused in found["refused"]],
        "palette": record["palette"],
        "style": {name: found for name, found in record["style"].items() if isinstance(found, Mapping)},
        "learned": in_words(record),
        "sheet": _sheet(world, doc, version, rows),
        "digest": record["digest"],
    }


_ABOUT = (("description", "description"), ("age", "age"), ("state", "emotional_state"))


def _sheet(world: World, doc: Doc, version: str, rows: Rows) -> dict[str, Any] | None:
    """Poses of a version's sheet with their verdicts; None where it has no sheet."""
    if not has_sheet(doc) or version not in versions_of(doc):
        return None
    address = f"{world.id}/{SHEETS}/{doc.id}/{version}"
    made = {row.target: row for row in rows.get(address, ())}
    poses = [{"pose": pose, **_output(made.get(f"{address}/{pose}"))} for pose in poses_of(doc)]
    return {"poses": poses, "passed": sum(pose["verdict"] == "passed" for pose in poses), "of": len(poses)}


def _shot(doc: Doc, shot: Appearance, rows: Rows) -> dict[str, Any]:
    made = [{"what": row.target[len(shot.address) + 1 :], **_output(row)} for row in rows.get(shot.address, ())]
    return {
        "address": shot.address.partition("/")[2],
        "title": shot.title,
        "version": shot.version or doc.data.get("default_version") or "",
        "outfit": shot.outfit or doc.data.get("default_outfit") or "",
        "outputs": [output for output in made if "/" not in output["what"]],
    }


def _output(row: Published | None) -> dict[str, str]:
    """Verdict, file and small picture of what is published, as links from a character's folder."""
    if row is None:
        return {"verdict": NOT_MADE, "file": "", "image": ""}
    inside = row.path.partition("/")[2]
    return {"verdict": row.verdict, "file": f"../../{inside}", "image": f"../../{inside.rpartition('.')[0]}.jpg"}


def index_facts(project: Mapping[str, str], pages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give what the list of characters shows, from the facts of their pages."""
    return {"project": project, "characters": [_line(page) for page in pages]}


def _line(page: Mapping[str, Any]) -> dict[str, Any]:
    versions = page["versions"]
    sheets = [version["sheet"] for version in versions if version["sheet"] is not None]
    return {
        "id": page["id"],
        "name": page["name"],
        "small": next((picture["small"] for version in versions for picture in version["pictures"] if picture["small"]), ""),
        "versions": [version["id"] for version in versions],
        "used": len({picture["path"] for version in versions for picture in version["pictures"]}),
        "refused": len({refused["path"] for version in versions for refused in version["refused"]}),
        "passed": sum(sheet["passed"] for sheet in sheets),
        "of": sum(sheet["of"] for sheet in sheets),
        "shots": len(page["shots"]),
    }
