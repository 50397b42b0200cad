"""Drafts for the animatic: the resolved panel description, with the reference pictures that it draws."""

from typing import Any

from koma.core.casting import input_of, portrait
from koma.core.draft import Context, Cut, Draft, Input, draft_of, expect_of, needs_of, origin_of
from koma.core.keys import derived_seed
from koma.core.panel import Span, panel_of, sheet_panel_of
from koma.core.runs import Chain, FrameRule, counts_of
from koma.core.target import LAST, Read
from koma.core.words import BackendKind, Phase, Reason

FOLLOWS = "last"  # input name of the last frame of the run before
# A clip of more than four seconds is drawn in runs, as a video model would, so that a mistake costs one of them.
_RUN = FrameRule(min=1, max=96)
_CHAIN = Chain(FOLLOWS, 1, 1200)


def animatic_runs(frames: int) -> tuple[int, ...]:
    """Frame counts of the runs in which a clip is drawn."""
    return counts_of(frames, _RUN, _CHAIN)


def draft_panel(context: Context, cut: Cut) -> Draft:
    """Draft one target that the animatic draws. A still and the clips of its shot share one picture, and so take 1's seed."""
    world = context.world
    names: dict[str, str] = {}
    inputs: list[Input] = []
    for who in cut.values["characters"]:
        if reference := portrait(world, who):
            names[who["id"]] = f"reference:{who['id']}"
            inputs.append(input_of(names[who["id"]], reference))
    seed = _seed(origin_of(world, cut.address), cut)
    panel = _panel(context, cut, seed, names)
    reads = (Read(FOLLOWS, f"{cut.address}/{cut.phase}/{cut.run.before}", LAST),) if cut.run is not None and cut.run.follows else ()
    blocking = {"hold": Reason.BLOCKED} if any(given.unusable for given in inputs) else {}
    return draft_of(
        cut,
        BackendKind.ANIMATIC,
        **blocking,
        seed=seed,
        panel=panel,
        reads=reads,
        inputs=tuple(inputs),
        needs=tuple(dict.fromkeys((*needs_of(cut), *(read.target for read in reads)))),
        expect=expect_of(cut, panel["width"], panel["height"]),
    )


def _panel(context: Context, cut: Cut, seed: int, names: dict[str, str]) -> dict[str, Any]:
    project = context.world.project.data
    if cut.scene.kind == "character":
        return sheet_panel_of(cut.values["characters"][0], project, cut.shot["id"], seed, names)
    _, scene_id, shot_id = origin_of(context.world, cut.address).split("/")
    labelled = {**cut.values, "shot": shot_id, "scene": {**cut.values["scene"], "id": scene_id}}
    # The animatic that is approved before GPU time is spent is the moving one.
    phase = Phase.VIDEO if cut.phase is Phase.ANIMATIC else cut.phase
    if cut.run is None:
        return panel_of(labelled, project, phase, seed, names)
    span = Span(cut.run.first - cut.run.drop, cut.run.frames, cut.values["frames"])
    return panel_of(labelled, project, phase, seed, names, span=span, follows=FOLLOWS if cut.run.follows else "")


def _seed(origin: str, cut: Cut) -> int:
    if cut.number > 1:
        return derived_seed(f"{origin}/{cut.phase}", cut.number)
    wanted = cut.values["seed"]
    return wanted if wanted is not None else derived_seed(origin, 1)
