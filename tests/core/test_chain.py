"""Chains: runs laid one after the other, and the targets that come of them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from koma.core.chain import chain_of, join_of
from koma.core.keys import derived_seed
from koma.core.runs import Chain, FrameRule, Rate
from koma.core.template import TemplateInput
from koma.core.words import Reason, Rendition
from support.worlds import context, rows, scene, shot, template, world

SVD = template("svd-video", frames=FrameRule((25,)), rate=Rate(24, 6, 30), chain=Chain("image", 1, 60))
WAN = template("wan-i2v", frames=FrameRule(min=5, max=81, step=4, offset=1), rate=Rate(16, 16, 16), chain=Chain("image", 1, 60))
BOTH = {"phases": ["still", "video"], "fps": 24}


@given(st.lists(st.integers(2, 90), min_size=1, max_size=40), st.integers(0, 1), st.none() | st.integers(1, 5))
def test_runs_lie_side_by_side(counts, overlap, every):
    runs = chain_of(counts, 24, overlap, every)
    assert [run.frames for run in runs] == counts
    assert runs[0].first == 0
    for before, run in pairwise(runs):
        assert run.first == before.first + before.frames - before.drop
        assert run.drop == (overlap if run.follows else 0)
    assert not runs[0].follows
    if every:
        assert [run.place for run in runs if not run.follows] == list(range(0, len(counts), every))


def test_the_join_says_what_is_left_out_and_how_long_the_clip_is():
    assert join_of(chain_of((25, 25), 24, 1), 48, 24) == {
        "do": "join",
        "parts": [{"input": "koma-input:seg01", "drop": 0}, {"input": "koma-input:seg02", "drop": 1}],
        "frames": 48,
        "fps": 24.0,
        "source_fps": 24.0,
    }


def targets(frames, *, rendition=Rendition.FINAL, made=None, template_name="svd-video", **fields):
    asked = context(made or world(**BOTH), rendition, **{"svd-video": SVD, "wan-i2v": WAN})
    found = rows(asked, scene(shot(frames=frames, templates={"video": template_name}, **fields)))
    return {target.id.removeprefix("p/s01/sh010/"): target for target in found}, asked.problems


def test_five_runs_make_120_frames():
    found, problems = targets(120)
    segments = [f"video/seg{number:02d}" for number in range(1, 6)]
    assert problems == []
    assert list(found) == ["still", *segments, "video"]
    assert found["video/seg01"].reads == [["image", "p/s01/sh010/still", ""]]
    assert found["video/seg03"].reads == [["image", "p/s01/sh010/video/seg02", "last"]]
    assert [read[1:] for read in found["video"].reads] == [[f"p/s01/sh010/{name}", ""] for name in segments]
    assert (found["video"].backend, found["video"].template, found["video"].takes_limit) == ("cpu", "join", 1)
    assert found["video"].stem == "p/s01/sh010/video"
    assert found["video/seg02"].stem == "p/s01/sh010/video/seg02"


def test_thirty_seconds_are_thirty_runs():
    assert len(targets(720)[0]) == 1 + 30 + 1


def test_a_clip_that_one_run_makes_exactly_has_no_segments():
    assert list(targets(25)[0]) == ["still", "video"]


def test_a_clip_that_one_run_covers_is_still_trimmed_by_a_join():
    assert list(targets(24)[0]) == ["still", "video/seg01", "video"]


def test_a_model_with_a_rate_of_its_own_is_brought_to_the_project_s():
    found, problems = targets(120, template_name="wan-i2v")
    assert problems == []
    assert list(found) == ["still", "video/seg01", "video"]  # 80 frames at 16 frames/s are 5 s


def test_segments_are_drawn_with_seeds_of_their_own():
    seeds = {target.base_key for name, target in targets(120, seed=None)[0].items() if "seg" in name}
    assert len(seeds) == 5
    assert derived_seed("p/s01/sh010/video/seg01", 1) != derived_seed("p/s01/sh010/video/seg02", 1)


def test_an_anchor_inside_a_shot_begins_with_the_still_again():
    found, problems = targets(120, reanchor_every=2)
    assert problems == []
    reads = {name: found[f"video/{name}"].reads[0][1:] for name in ("seg02", "seg03", "seg04", "seg05")}
    still = ["p/s01/sh010/still", ""]
    assert reads == {
        "seg02": ["p/s01/sh010/video/seg01", "last"],
        "seg03": still,
        "seg04": ["p/s01/sh010/video/seg03", "last"],
        "seg05": still,
    }


def test_a_shot_continues_from_another_one():
    asked = context(world(**BOTH), **{"svd-video": SVD})
    first, second = shot("a", frames=48), shot("b", frames=48, start_from={"shot": "a", "frame": "last"}, phases=["video"])
    found = {target.id: target for target in rows(asked, scene(second, first))}
    assert found["p/s01/b/video/seg01"].reads == [["image", "p/s01/a/video", "last"]]
    assert found["p/s01/b/video/seg02"].reads == [["image", "p/s01/b/video/seg01", "last"]]


def test_a_shot_that_continues_from_nobody_is_held_and_its_neighbours_are_not():
    asked = context(world(**BOTH), **{"svd-video": SVD})
    found = {t.id: t.hold for t in rows(asked, scene(shot("a"), shot("b", start_from={"shot": "c"})))}
    assert found["p/s01/a/video"] == ""
    assert found["p/s01/b/still"] == ""
    assert found["p/s01/b/video"] == Reason.BLOCKED
    (problem,) = asked.problems
    assert (problem.code, problem.path) == ("missing-reference", "start_from.shot")
    assert problem.place.file == "projects/p/s01.yaml"


def test_what_no_number_of_runs_makes_is_a_problem():
    short = template("svd-video", frames=FrameRule((25,)), rate=Rate(24, 6, 30), chain=Chain("image", 1, 2))
    asked = context(world(**BOTH), **{"svd-video": short})
    found = rows(asked, scene(shot(frames=120)))
    assert {t.id: t.hold for t in found}["p/s01/sh010/video"] == Reason.BLOCKED
    assert [problem.code for problem in asked.problems] == ["frame-count"]
    assert "49 in 2 runs" in asked.problems[0].message


def test_the_animatic_draws_long_clips_in_runs_too():
    found, problems = targets(120, rendition=Rendition.ANIMATIC)
    assert problems == []
    assert list(found) == ["still", "video/seg01", "video/seg02", "video"]
    assert found["video/seg02"].reads == [["last", "p/s01/sh010/video/seg01", "last"]]
    assert found["video/seg02"].stem == "p/s01/sh010/video/seg02.animatic"


def test_an_animatic_of_up_to_four_seconds_is_drawn_in_one_run():
    assert list(targets(96, rendition=Rendition.ANIMATIC)[0]) == ["still", "video"]


FINISH = template("post", phase=None, inputs={"clip": TemplateInput("clip")}, frames=None, rate=None)


def test_finishing_steps_follow_one_another():
    made = world(**BOTH, finish={"video": ["colour-match", "post"]})
    asked = context(made, **{"svd-video": SVD, "post": FINISH})
    found = {t.id.removeprefix("p/s01/sh010/"): t for t in rows(asked, scene(shot(frames=25)))}
    assert list(found) == ["still", "video", "video/colour-match", "video/post"]
    assert found["video/colour-match"].reads == [["clip", "p/s01/sh010/video", ""]]
    assert found["video/colour-match"].backend == "cpu"
    assert found["video/post"].needs == ["p/s01/sh010/still", "p/s01/sh010/video/colour-match"]


def test_a_video_begins_with_the_finished_still():
    made = world(**BOTH, finish={"still": ["colour-match"]})
    found, problems = targets(25, made=made)
    assert problems == []
    assert found["still/colour-match"].suffix == ".png"
    assert found["video"].reads == [["image", "p/s01/sh010/still/colour-match", ""]]


def test_a_template_that_finishes_nothing_is_no_step():
    made = world(**BOTH, finish={"video": ["svd-video"]})
    found, problems = targets(25, made=made)
    assert found["video/svd-video"].hold == Reason.BLOCKED
    assert [problem.code for problem in problems] == ["wrong-template"]
    assert found["video"].hold == ""


def test_a_step_for_clips_is_none_for_stills_and_that_is_said_where_it_is_named():
    made = world(**BOTH, finish={"still": ["post"]})
    asked = context(made, **{"svd-video": SVD, "post": FINISH})
    found = {t.id.removeprefix("p/s01/sh010/"): t for t in rows(asked, scene(shot(frames=25)))}
    assert found["still/post"].hold == Reason.BLOCKED
    (problem,) = asked.problems
    assert (problem.code, problem.place.file) == ("wrong-template", "projects/p/project.yaml")
    assert "takes no picture" in problem.message
