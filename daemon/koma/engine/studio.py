"""The studio: identity records and pages of characters in the outputs, kept as documents, pictures and published files are now.

It looks at nothing while nothing has changed. What is measured of a picture is remembered by its pixels, and a refresh measures only so
many pictures, so that a folder of new ones never holds up a pass.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from koma.core.cast import resolve_character
from koma.core.casting import KINDS
from koma.core.catalog import Folder
from koma.core.document import Doc
from koma.core.faces import NOBODY, FaceMarks, Looking
from koma.core.identity import MARKS_VERSION, Lab, Marks, identity_record
from koma.core.keys import digest, text_digest
from koma.core.pages import PAGES_FORMAT, Appearance, appearances, index_facts, page_facts, rows_by_address, shown_versions
from koma.core.references import Pool, looks, pool
from koma.core.rows import Lying, Published
from koma.core.shown import json_text
from koma.core.spec.standard import BASE_VERSION
from koma.core.world import Reference, World
from koma.engine.survey import Survey
from koma.engine.wanted import MANY, Desires
from koma.ports import PlanCache, Source, Store

AT_ONCE = 16  # pictures measured in one refresh
_KINDS = ("project", "story-bible", "style", "character", "scene")


class Eye(NamedTuple):
    """How pictures and colours are measured, and pages made.

    `examine` gives marks of a picture and the address of a small copy, and raises ValueError or OSError; `lab` gives L*a*b* of `#rrggbb`;
    `page` renders `character` or `characters`. `looking` says who looks for faces, in a commercial project or in any other, and is cheap;
    `faces` looks: it raises ValueError or OSError.
    """

    examine: Callable[[Path], tuple[Marks, str]]
    lab: Callable[[str], Lab]
    page: Callable[[str, Mapping[str, Any]], str]
    looking: Callable[[bool], Looking] = lambda _commercial: NOBODY
    faces: Callable[[Path, bool], FaceMarks] = lambda _file, _commercial: FaceMarks(0, ())


class _Seen(NamedTuple):
    """What is known of pictures, by content digest; and who looked for faces."""

    marks: dict[str, Marks]
    small: dict[str, str]
    faces: dict[str, FaceMarks]
    looking: Looking


class Studio:
    """Keeps records and pages. `write` replaces a text file whole or not at all, and leaves one alone that says the same already."""

    def __init__(
        self,
        source: Source,
        cache: PlanCache,
        desires: Desires,
        store: Store,
        eye: Eye,
        write: Callable[[Path, str], None],
        outputs: Path,
    ) -> None:
        self._source = source
        self._cache = cache
        self._desires = desires
        self._store = store
        self._eye = eye
        self._write = write
        self._outputs = outputs
        self._looked: tuple[Any, ...] = ()
        self._lookers = ""
        self._done: dict[str, str] = {}
        self._written: dict[Path, str] = {}
        self._shots: dict[tuple[str, str], list[Appearance]] = {}

    def refresh(self, survey: Survey) -> int:
        """Bring records and pages up to date with what a survey saw; how many pictures are still to be measured.

        Call it once after each look. Nothing is read while documents, pictures, models and the store are as they were.
        """
        self._lookers = digest([self._eye.looking(False), self._eye.looking(True)])
        folders = {name: _fingerprint(folder) for name, folder in survey.wanted.projects.items() if not folder.broken}
        looked = (survey.rendition, self._store.serial(), self._lookers, folders)
        if looked == self._looked:
            return 0
        lying = self._store.lying(survey.rendition)
        left = sum(self._project(survey, name, mark, lying) for name, mark in folders.items())
        self._looked = () if left else looked
        return left

    def _project(self, survey: Survey, name: str, fingerprint: str, lying: Sequence[Lying]) -> int:
        folder = survey.wanted.projects[name]
        if not folder.heads.get("character"):
            return 0
        inside = f"{name}/"
        lines = sorted(line for line, _, _ in lying if line.startswith(inside))
        mark, note = text_digest(PAGES_FORMAT, MARKS_VERSION, self._lookers, fingerprint, *lines), f"studio {survey.rendition} {name}"
        if mark == self._known(note, self._outputs / name / "characters" / "index.html"):
            return 0
        world = self._desires.world(folder)
        left = self._write_project(survey, folder, world, [line.partition(" ")[0] for line in lines])
        if not left:
            self._done[note] = mark
            self._cache.put_notes({note: mark})
        return left

    def _known(self, note: str, page: Path) -> str:
        """Mark of the pages that lie there; "" for none."""
        if note not in self._done and page.is_file():
            self._done[note] = self._cache.notes([note]).get(note, "")
        return self._done.get(note, "")

    def _write_project(self, survey: Survey, folder: Folder, world: World, targets: Sequence[str]) -> int:
        rows = rows_by_address([row for row in self._store.published(targets) if row.rendition == survey.rendition])
        shots = self._appearances(folder, world.id)
        seen, left = self._examined(survey, world)
        pages = [self._write_character(world, doc, seen, shots.get(doc.id, []), rows) for _, doc in sorted(world.characters.items())]
        characters = self._outputs / world.id / "characters"
        if pages:
            self._put(characters / "index.html", "characters", index_facts(pages[0]["project"], pages))
        return left

    def _write_character(
        self, world: World, doc: Doc, seen: _Seen, shots: Sequence[Appearance], rows: Mapping[str, Sequence[Published]]
    ) -> dict[str, Any]:
        """Write records and page of one character; what the page shows."""
        home = self._outputs / world.id / "characters" / doc.id
        records = {version: self._record(world, doc, version, seen) for version in shown_versions(world, doc)}
        for version, record in records.items():
            self._put(home / version / "identity.json", "", record)
        facts = page_facts(world, doc, records, seen.small, shots, rows)
        self._put(home / "index.html", "character", facts)
        return facts

    def _record(self, world: World, doc: Doc, version: str, seen: _Seen) -> dict[str, Any]:
        named = "" if version == BASE_VERSION else version
        entry = {"id": doc.id, "version": named}
        who = resolve_character(world if named else _without_default(world, doc), entry)
        pools = looks(world, doc, named)
        return identity_record(who, version, pools, _overlays(world, doc), seen.marks, self._eye.lab, seen.faces, seen.looking)

    def _put(self, path: Path, page: str, facts: Mapping[str, Any]) -> None:
        """Write a page, or a record as JSON where no page is named, unless it was written of the same facts before."""
        mark = digest(facts)
        if self._written.get(path) != mark or not path.is_file():
            text = self._eye.page(page, facts) if page else json_text(facts, indent=1) + "\n"
            self._write(path, text)
            self._written[path] = mark

    def _appearances(self, folder: Folder, project: str) -> dict[str, list[Appearance]]:
        """Shots by character; a scene is read again only when it changed."""
        heads = folder.heads.get("scene", {})
        new = [head for head in heads.values() if (project, head.data_digest) not in self._shots]
        if len(new) > MANY:
            self._desires.documents.many()
        found = {(project, head.data_digest): list(appearances(project, self._desires.documents.doc(head))) for head in new}
        there = {(project, head.data_digest) for head in heads.values()}
        self._shots = {key: shots for key, shots in self._shots.items() if key[0] != project or key in there} | found
        by_character: dict[str, list[Appearance]] = {}
        for shot in (shot for _, head in sorted(heads.items()) for shot in self._shots[project, head.data_digest]):
            by_character.setdefault(shot.who, []).append(shot)
        return by_character

    def _examined(self, survey: Survey, world: World) -> tuple[_Seen, int]:
        """Find marks and small pictures of everything that is used, with how many are still to be measured."""
        wanted = {reference.content_digest: reference for reference in _all_used(world)}
        names = {f"marks {MARKS_VERSION} {content}": content for content in wanted}
        notes = self._cache.notes(list(names))
        new = [name for name in names if name not in notes]
        learned = {name: self._examine(survey, wanted[names[name]]) for name in new[:AT_ONCE]}
        if learned:
            self._cache.put_notes(learned)
        faces, looking, unlooked = self._faces(survey, world)
        seen = _Seen({}, {}, faces, looking)
        for name, text in {**notes, **learned}.items():
            found = json.loads(text)
            if found:
                seen.marks[names[name]], seen.small[names[name]] = Marks.from_json(found["marks"]), found["small"]
        return seen, len(new) - len(learned) + unlooked

    def _faces(self, survey: Survey, world: World) -> tuple[dict[str, FaceMarks], Looking, int]:
        """Find faces in everything that shows a version, with who looked and how many pictures are still to be looked at.

        What could not be looked at is not remembered: with other models or libraries it may be. Where none of them could, none is left.
        """
        commercial = bool(world.project.data.get("commercial"))
        looking = self._eye.looking(commercial)
        if looking.why:
            return {}, looking, 0
        wanted = {reference.content_digest: reference for reference in _all_looks(world)}
        names = {f"faces {looking.key} {content}": content for content in wanted}
        notes = self._cache.notes(list(names))
        new = [name for name in names if name not in notes]
        tried = [(name, self._look_for_faces(survey, wanted[names[name]], commercial)) for name in new[:AT_ONCE]]
        learned = {name: json.dumps(found.to_json()) for name, found in tried if isinstance(found, FaceMarks)}
        if learned:
            self._cache.put_notes(learned)
        seen = {names[name]: FaceMarks.from_json(json.loads(text)) for name, text in {**notes, **learned}.items()}
        why = next((found for _, found in tried if isinstance(found, str)), "")
        return seen, looking if seen or not why else Looking(why=why), len(new) - len(tried) if learned else 0

    def _look_for_faces(self, survey: Survey, reference: Reference, commercial: bool) -> FaceMarks | str:
        """Look at one picture; in words why that can't be done."""
        try:
            return self._eye.faces(self._source.local(survey.snapshot.images[reference.path]), commercial)
        except (OSError, ValueError) as error:
            return f"not looked for: {error}"

    def _examine(self, survey: Survey, reference: Reference) -> str:
        """Measure one picture; "{}" where that can't be done."""
        try:
            marks, small = self._eye.examine(self._source.local(survey.snapshot.images[reference.path]))
        except (OSError, ValueError):
            return "{}"
        return json.dumps({"marks": marks.to_json(), "small": small})


def _fingerprint(folder: Folder) -> str:
    """Digest of every document and picture that pages of characters are made from."""
    heads = (head for kind in _KINDS for head in folder.heads.get(kind, {}).values())
    parts = [part for head in heads for part in (head.kind, head.id, head.path, head.data_digest)]
    return text_digest(*parts, *(part for item in sorted(folder.references.items()) for part in item))


def _without_default(world: World, doc: Doc) -> World:
    """Give a world in which a character without a version is what it is before any version."""
    plain = doc._replace(data={key: value for key, value in doc.data.items() if key != "default_version"})
    return World(world.folder, world.project, world.bible, world.style, {doc.id: plain})


def _overlays(world: World, doc: Doc) -> dict[str, Pool]:
    """Pools of outfits, expressions and poses that have pictures, by part."""
    kinds = KINDS.values()
    named = [f"{kind}/{name}" for kind in kinds for name in doc.data.get(kind) or ()]
    lying = [part for who, part in sorted(world.references) if who == doc.id and part.partition("/")[0] in kinds]
    pools = {part: pool(world, doc, part) for part in dict.fromkeys([*named, *lying])}
    return {part: found for part, found in pools.items() if found.used or found.refused}


def _all_used(world: World) -> Iterator[Reference]:
    yield from _all_looks(world)
    for doc in world.characters.values():
        for found in _overlays(world, doc).values():
            yield from found.used


def _all_looks(world: World) -> Iterator[Reference]:
    """Pictures that show a character or a version of one, without those of outfits, expressions and poses."""
    for doc in world.characters.values():
        for version in ("", *(doc.data.get("versions") or ())):
            yield from pool(world, doc, version).used
