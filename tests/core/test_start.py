"""Shots that continue from one another: where each begins, when one begins anew, and what can't be."""

import pytest

from koma.core.start import Start, StartError, scenes_before, start_of
from koma.core.words import Phase
from support.worlds import scene, shot, world

STILLS = ["still", "video"]
SECOND = "s02"


def chained(*names, phases=STILLS, **fields):
    """Shots that each continue from the one before."""
    first, *rest = names
    made = [shot(first, phases=phases)]
    for name in rest:
        made.append(shot(name, start_from={"shot": made[-1]["id"]}, phases=phases, **fields))
    return made


def begins(shots, number=-1, phase=Phase.VIDEO, made=None, **of_scene):
    return start_of(made or world(), scene(*shots, **of_scene), shots[number], phase)


STARTS = {
    "a shot on its own begins with its own still": (chained("a"), {}, Start()),
    "the second begins with the last frame of the first": (chained("a", "b"), {}, Start("p/s01/a/video", 1)),
    "the third with that of the second": (chained("a", "b", "c"), {}, Start("p/s01/b/video", 2)),
    "the fourth begins anew with its own still": (chained("a", "b", "c", "d"), {}, Start("", 3)),
    "the fifth continues from the fourth": (chained("a", "b", "c", "d", "e"), {}, Start("p/s01/d/video", 4)),
    "a scene may allow longer chains": (chained("a", "b", "c", "d"), {"max_chain": 4}, Start("p/s01/c/video", 3)),
    "and shorter ones": (chained("a", "b"), {"max_chain": 1}, Start("", 1)),
}


@pytest.mark.parametrize(("shots", "of_scene", "expected"), STARTS.values(), ids=STARTS.keys())
def test_where_a_shot_begins(shots, of_scene, expected):
    assert begins(shots, **of_scene) == expected


@pytest.mark.parametrize(
    ("before", "phase", "expected"),
    [(["still", "loop", "video"], Phase.LOOP, "loop"), (["still"], Phase.VIDEO, "still"), (["still", "video"], Phase.LOOP, "still")],
    ids=["a loop continues from a loop", "a video from a still, where there is nothing else", "and never from a later phase"],
)
def test_which_phase_of_the_other_shot_is_read(before, phase, expected):
    shots = [shot("a", phases=before), shot("b", phases=["loop", "video"], start_from={"shot": "a"})]
    assert begins(shots, phase=phase).target == f"p/s01/a/{expected}"


def refusal(shots, **more):
    with pytest.raises(StartError) as caught:
        begins(shots, **more)
    return caught.value.problem


NO_STILL = chained("a", "b", "c", "d", phases=["video"])
RING = [shot("a", start_from={"shot": "b"}), shot("b", start_from={"shot": "a"})]
REFUSED = {
    "a shot that does not exist": ([shot("a"), shot("b", start_from={"shot": "aa"})], "missing-reference", "did you mean 'a'?"),
    "a scene that does not exist": ([shot("b", start_from={"shot": "s09/a"})], "missing-reference", ""),
    "a circle": (RING, "cycle", "let one of them begin"),
    "a shot that continues from itself": ([shot("a", start_from={"shot": "a"})], "cycle", "let one of them begin"),
    "too long a chain, and no still to begin anew with": (NO_STILL, "chain-too-long", "add `still`"),
    "another shot that makes nothing": ([shot("a", phases=["animatic"]), shot("b", start_from={"shot": "a"})], "no-output", "give it"),
}


@pytest.mark.parametrize(("shots", "code", "hint"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_shot_can_not_continue_from(shots, code, hint):
    problem = refusal(shots)
    assert (problem.code, problem.path.partition(".")[0]) == (code, "start_from")
    assert problem.hint.startswith(hint)


def test_only_the_shot_that_names_another_wrongly_is_to_blame():
    shots = [shot("b", start_from={"shot": "nobody"}), shot("c", start_from={"shot": "b"})]
    assert refusal(shots, number=0).code == "missing-reference"
    assert refusal(shots, number=1) is None


def test_a_shot_of_another_scene():
    made = world()
    other = scene(shot("z", phases=STILLS), id=SECOND)
    made.scene = {SECOND: other}.get
    shots = [shot("a", start_from={"shot": "s02/z"}, phases=STILLS)]
    assert begins(shots, made=made) == Start("p/s02/z/video", 1)
    assert scenes_before(made, scene(*shots)) == {SECOND}
    assert scenes_before(made, other) == set()


def test_a_scene_that_may_only_be_unreadable_is_no_mistake_of_the_shot():
    made = world()
    made.held = frozenset({("scene", SECOND)})
    assert refusal([shot("a", start_from={"shot": "s02/z"})], made=made) is None


def test_scenes_are_found_through_a_circle():
    made = world()
    first = scene(shot("a", start_from={"shot": "s02/z"}))
    made.scene = {"s01": first, SECOND: scene(shot("z", start_from={"shot": "s01/a"}), id=SECOND)}.get
    assert scenes_before(made, first) == {SECOND}
