"""Drafts for the animatic: the resolved panel description, with the reference pictures that it draws."""

from koma.core.casting import input_of, portrait
from koma.core.draft import Context, Cut, Draft, Input, expect_of, hold_of, needs_of, origin_of
from koma.core.keys import derived_seed
from koma.core.panel import panel_of, panel_size
from koma.core.words import Reason


def draft_panel(context: Context, cut: Cut) -> Draft:
    """Draft one target of the animatic rendition. A still and the clips of its shot share one picture, and so take 1's seed."""
    world, values = context.world, cut.values
    origin = origin_of(world, cut.address)
    names: dict[str, str] = {}
    inputs: list[Input] = []
    for who in values["characters"]:
        if reference := portrait(world, who):
            names[who["id"]] = f"reference:{who['id']}"
            inputs.append(input_of(names[who["id"]], reference))
    seed = _seed(origin, cut)
    _, scene_id, shot_id = origin.split("/")
    labelled = {**values, "shot": shot_id, "scene": {**values["scene"], "id": scene_id}}
    return Draft(
        cut.address,
        str(cut.phase),
        cut.scene.file,
        cut.shot,
        Reason.BLOCKED if any(given.unusable for given in inputs) else hold_of(cut),
        values,
        seed,
        panel=panel_of(labelled, world.project.data, cut.phase, seed, names),
        inputs=tuple(inputs),
        needs=needs_of(cut.address, cut.phase, values["phases"]),
        expect=expect_of(values, cut.phase, *panel_size(values["width"], values["height"])),
    )


def _seed(origin: str, cut: Cut) -> int:
    if cut.number > 1:
        return derived_seed(f"{origin}/{cut.phase}", cut.number)
    wanted = cut.values["seed"]
    return wanted if wanted is not None else derived_seed(origin, 1)
