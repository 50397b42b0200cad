"""Whatever lies in a store, collecting garbage finds exactly what nothing needs: no file of a take that is kept, and all of the others."""

import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koma.app import collecting
from koma.app.workspace import App
from koma.config import load
from koma.core.action import Action, Plan
from koma.core.media import Artifact, Media, Role
from koma.core.words import ActionKind, Reason
from koma.engine.garbage import DAY
from support.stored import hexed, published, take
from support.stored import job as a_job

MONTHS = 100 * DAY


class Case(NamedTuple):
    """One take, and what there is about it. `age` in days since it was made."""

    target: str
    key: str
    age: float
    approved: bool
    published: bool
    wanted: bool
    chosen: bool
    running: bool


CASES = st.lists(
    st.builds(
        Case,
        st.sampled_from(["p/s01/a", "p/s01/b", "p/s02/c"]),
        st.sampled_from("klmn"),
        st.floats(0, 80),
        *([st.sampled_from([False, False, False, True])] * 5),
    ),
    min_size=1,
    max_size=8,
)


class World:
    """A workspace with a take and an object of its own for each case, all of it 100 days ago; the clock says what it is told to."""

    def __init__(self, root: Path, cases: list[Case]) -> None:
        (root / "koma.yaml").touch()
        self.app = App(load(root, {}), writes=True)
        self.app.__dict__["clock"] = self.app.__dict__["wall"] = self
        self.cases, self.digests = cases, [self.put(f"object {number}") for number in range(len(cases))]
        self.at = self.app.objects.path(self.digests[0], ".png").stat().st_ctime + MONTHS
        for number in range(len(cases)):
            self.remember(number)

    def now(self) -> float:
        return self.at

    def put(self, words: str) -> str:
        file = self.app.config.workspace / "given.png"
        file.write_text(words)
        return self.app.objects.put(file)

    def remember(self, number: int) -> None:
        case, digest = self.cases[number], self.digests[number]
        artifact = Artifact(Role.OBJECT, Media.IMAGE, digest, hexed(digest), ".png", 1, 8, 8)
        made = take(
            number + 1,
            target=case.target,
            rendition="final",
            render_key=case.key,
            artifacts=(artifact,),
            finished_at=self.at - case.age * DAY,
        )
        made = replace(made, approved=case.approved, receipt={"commit": None})
        self.app.store.put_take(made)
        if case.published:
            self.app.store.put_published(published(made))
        if case.running and not any(job.work.target == case.target for job in self.app.store.jobs()):
            running = a_job(f"j{number}", target=case.target, rendition="final")
            self.app.store.enqueue([replace(running, work=replace(running.work, render_key=case.key))])

    def survey(self) -> Any:
        """As much of a look at the world as collecting reads."""
        wanted = [Action(case.target, ActionKind.RENDER, Reason.NEW, key=case.key) for case in self.cases if case.wanted]
        chosen = [
            Action(case.target, ActionKind.PUBLISH, Reason.MOVED, take_key=hexed(f"{case.key} {number}"))
            for number, case in enumerate(self.cases, 1)
            if case.chosen
        ]
        return SimpleNamespace(
            plan=Plan([*wanted, *chosen], []), wanted=SimpleNamespace(blocked=[], projects=["p"]), observed=SimpleNamespace(published=[])
        )

    def protected(self) -> set[int]:
        """Numbers of cases whose object stays, said once more in other words."""
        keys = {row.render_key for row in self.app.store.published()} | {job.work.render_key for job in self.app.store.jobs()}
        keys |= {case.key for case in self.cases if case.wanted}
        newest = {target: min(case.age for case in self.cases if case.target == target) for target in {case.target for case in self.cases}}
        last = {(case.target, case.key) for case in self.cases if case.age == newest[case.target]}
        return {
            number
            for number, case in enumerate(self.cases)
            if case.approved or case.chosen or case.key in keys or case.age <= 30 or (case.target, case.key) in last
        }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CASES)
def test_exactly_what_nothing_needs_is_found_and_deleted(cases):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), cases)
        with world.app:
            found = collecting.look(world.app, world.survey())
            gone = {digest for digest in world.digests for item in found.objects if digest[2:] in item.path.name}
            protected = {world.digests[number] for number in world.protected()}
            assert not gone & protected
            ambiguous = len({(case.target, case.age) for case in cases}) < len(
                cases
            )  # of two that were made at once either may be the newest
            assert ambiguous or gone == set(world.digests) - protected
            collecting.delete(world.app, found)
            assert {digest for digest in world.digests if world.app.objects.has(digest, ".png")} == set(world.digests) - gone
            assert not collecting.look(world.app, world.survey()).objects
