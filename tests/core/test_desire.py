"""Wanted targets: which fields move which keys, and which move none; gates; facts for saying later what changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.changes import DIGEST, differences
from koma.core.desire import draft_sheet, draft_shot
from koma.core.facts import facts_of
from koma.core.gate import Op
from koma.core.spec.standard import SHEET_TEMPLATE
from koma.core.target import targets_from_json, targets_to_json
from koma.core.target_gate import gate_of
from koma.core.thresholds import SHEET_LIKENESS_MIN
from koma.core.words import Rendition
from koma.core.world import UNREAD_MODELS
from support.worlds import AKI, ALLEY, REN, context, merged, reference, rows, scene, shot, template, world

BOTH = {"phases": ["still", "video"]}
SHOTS = (
    shot("sh010", characters=[{"id": "aki", "version": "adult"}], seed=1),
    shot("sh020", characters=[{"id": "aki", "version": "child"}], seed=2),
    shot("sh030", characters=[{"id": "ren"}], seed=3),
    shot("sh040", characters=[], seed=4),
)
RENDITIONS = [Rendition.ANIMATIC, Rendition.FINAL]


def keys(made=None, rendition=Rendition.FINAL, shots=SHOTS, templates=None, **of_scene):
    """Target id → base key of a small scene."""
    asked = context(made or world(**BOTH), rendition, **(templates or {}))
    return {row.id: row.base_key for row in rows(asked, scene(*shots, **of_scene))}


def moved(before, after):
    """Names of the shots whose keys differ, each once."""
    assert before.keys() == after.keys()
    return sorted({name.split("/")[2] for name in before if before[name] != after[name]})


ALL = ["sh010", "sh020", "sh030", "sh040"]


def people(**changes):
    return (merged(AKI, changes), REN)


DYED = {"palette": {"hair": "#cc2222"}}
EDITS = {
    "a colour of a character": ({"characters": people(**DYED)}, {}, ["sh010", "sh020"]),
    "a colour of one version of a character": ({"characters": people(versions={"child": DYED})}, {}, ["sh020"]),
    "a version that nobody is in": ({"characters": people(versions={"elder": DYED})}, {}, []),
    "an outfit that nobody wears": ({"characters": people(outfits={"coat": DYED})}, {}, []),
    "an expression that nobody has": ({"characters": people(expressions={"smile": {"prompt": "grin"}})}, {}, []),
    "somebody's backstory": ({"characters": people(backstory="long", personality="stern", role="rival", voice={"engine": "x"})}, {}, []),
    "somebody's threshold of likeness": ({"characters": people(consistency_threshold=0.5)}, {}, []),
    "defaults for every character": ({"defaults": {"character": {"palette": {"skin": "#f2d3b3"}}}}, {}, ["sh010", "sh020", "sh030"]),
    "the weather of the place": ({"locations": ({**ALLEY, "weather": "snow"},)}, {}, ALL),
    "the mood of the scene": ({}, {"mood": "calm"}, ALL),
    "the size of the picture": ({"width": 320}, {}, ALL),
    "the episode": ({}, {"episode": "e02"}, []),
    "notes": ({}, {"notes": "ask Mika"}, []),
    "how many takes there may be": ({"takes": {"still": 9}, "takes_up_front": {"video": 3}}, {}, []),
    "how important it is": ({"priority": 9}, {"priority": 3}, []),
    "a threshold": ({"gates": {"rules": {"still": {"sharpness": {"min": 99}}}}}, {}, []),
    "that it is held": ({}, {"hold": True}, []),
    "a renaming of something else": ({"moved": {"s09": "s08"}}, {}, []),
    "the story's premise": ({"bible": {"premise": "other"}}, {}, []),
}


@pytest.mark.parametrize("rendition", RENDITIONS)
@pytest.mark.parametrize(("project", "of_scene", "expected"), EDITS.values(), ids=EDITS.keys())
def test_what_an_edit_touches(rendition, project, of_scene, expected):
    after = keys(world(**BOTH, **project), rendition, **of_scene)
    assert moved(keys(rendition=rendition), after) == expected


WORDS = {
    "other words for a character": ({"characters": people(base_prompt="other")}, {}, ["sh010"]),  # the child has words of its own
    "words of the style": ({"style": {"prompt": "ink"}}, {}, ALL),
    "words of the world": ({"bible": {"world": {"prompt": "lanterns"}}}, {}, ALL),
    "a checkpoint": ({"checkpoint": "other.safetensors"}, {}, ALL),
    "a LoRA of one character": ({"characters": people(loras=[{"name": "aki.safetensors"}])}, {}, ["sh010", "sh020"]),
    "a parameter of a template": ({"parameters": {"still": {"steps": 30}}}, {}, ALL),
    "words for the place": ({"locations": ({**ALLEY, "prompt": "other"},)}, {}, ALL),
    "what must not be in the scene": ({}, {"negative": "cars"}, ALL),
}


@pytest.mark.parametrize(("project", "of_scene", "expected"), WORDS.values(), ids=WORDS.keys())
def test_words_and_models_touch_graphs_and_no_panel(project, of_scene, expected):
    after = keys(world(**BOTH, **project), **of_scene)
    assert moved(keys(), after) == expected
    assert moved(keys(rendition=Rendition.ANIMATIC), keys(world(**BOTH, **project), Rendition.ANIMATIC, **of_scene)) == []


TITLES = {
    "the project's title": ({"title": "Other"}, {}, ALL),
    "the scene's title": ({}, {"title": "Other"}, ALL),
    "the name of somebody": ({"characters": people(name="Akiko")}, {}, ["sh010", "sh020"]),
    "the description of the place": ({"locations": ({**ALLEY, "description": "old"},)}, {}, ALL),
}


@pytest.mark.parametrize(("project", "of_scene", "expected"), TITLES.values(), ids=TITLES.keys())
def test_what_is_written_on_a_panel_touches_panels_and_no_graph(project, of_scene, expected):
    after = keys(world(**BOTH, **project), Rendition.ANIMATIC, **of_scene)
    assert moved(keys(rendition=Rendition.ANIMATIC), after) == expected
    assert moved(keys(), keys(world(**BOTH, **project), **of_scene)) == []


@pytest.mark.parametrize("rendition", RENDITIONS)
def test_a_shot_s_seed_touches_exactly_its_own_targets(rendition):
    after = (*SHOTS[:1], {**SHOTS[1], "seed": 99}, *SHOTS[2:])
    before, now = keys(rendition=rendition), keys(rendition=rendition, shots=after)
    assert {name for name in before if before[name] != now[name]} == {"p/s01/sh020/still", "p/s01/sh020/video"}


@pytest.mark.parametrize("rendition", RENDITIONS)
def test_the_order_of_shots_touches_nothing(rendition):
    assert keys(rendition=rendition) == keys(rendition=rendition, shots=tuple(reversed(SHOTS)))


@pytest.mark.parametrize("rendition", RENDITIONS)
def test_the_order_of_fields_touches_nothing(rendition):
    def turned(value):
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    after = world(**BOTH, characters=(turned(AKI), turned(REN)), locations=(turned(ALLEY),))
    shots = tuple(turned(one) for one in SHOTS)
    assert keys(rendition=rendition) == keys(after, rendition, shots)


@pytest.mark.parametrize("rendition", RENDITIONS)
def test_names_of_files_touch_nothing(rendition):
    other = world(**BOTH)
    other.folder = "projects/renamed"
    other.characters = {name: doc._replace(file=f"elsewhere/{name}.yaml") for name, doc in other.characters.items()}
    asked = context(other, rendition)
    renamed = {row.id: row.base_key for row in rows(asked, scene(*SHOTS)._replace(file="elsewhere/scene.yaml", part=3))}
    assert renamed == keys(rendition=rendition)


def test_animatic_and_comfyui_have_keys_of_their_own():
    assert not set(keys().values()) & set(keys(rendition=Rendition.ANIMATIC).values())


def with_picture(name):
    made = world(**BOTH)
    made.references = {("aki", ""): [reference(name)]}
    return made


def test_another_picture_of_the_same_name_touches_the_panels_it_is_in():
    assert moved(keys(with_picture("one"), Rendition.ANIMATIC), keys(with_picture("other"), Rendition.ANIMATIC)) == ["sh010", "sh020"]


def test_a_picture_that_no_template_reads_touches_no_graph():
    assert keys(with_picture("one")) == keys(with_picture("other"))


PIXELS = st.sampled_from([
    {"framing": "close-up"}, {"angle": "low"}, {"action": "runs"}, {"mood": "calm"}, {"time": "dawn"}, {"weather": "snow"},
    {"seed": 99}, {"camera": {"move": "pan"}}, {"characters": []}, {"characters": [{"id": "ren"}]},
])  # fmt: skip


@given(PIXELS, st.sampled_from(RENDITIONS), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_every_field_that_is_drawn_moves_the_keys_of_its_shot_and_of_no_other(fields, rendition, number):
    if all(SHOTS[number].get(name) == value for name, value in fields.items()):
        return
    shots = [*SHOTS]
    shots[number] = {**SHOTS[number], **fields}
    still = {name: key for name, key in keys(rendition=rendition, shots=tuple(shots)).items() if name.endswith("still")}
    before = {name: key for name, key in keys(rendition=rendition).items() if name.endswith("still")}
    assert moved(before, still) == [SHOTS[number]["id"]]


def only(made=None, rendition=Rendition.FINAL, phase="still", of_scene=None, templates=None, **fields):
    asked = context(made or world(**BOTH), rendition, **(templates or {}))
    return next(row for row in rows(asked, scene(shot(**fields), **(of_scene or {}))) if row.phase == phase)


STEMS = {
    (Rendition.FINAL, "still"): ("p/s01/sh010/still", ".png"),
    (Rendition.DRAFT, "video"): ("p/s01/sh010/video.draft", ".mp4"),
    (Rendition.ANIMATIC, "video"): ("p/s01/sh010/video.animatic", ".mp4"),
}


@pytest.mark.parametrize(("what", "expected"), STEMS.items(), ids=[f"{r} {p}" for r, p in STEMS])
def test_where_a_target_will_lie(what, expected):
    row = only(rendition=what[0], phase=what[1])
    assert (row.stem, row.suffix) == expected


def test_a_row_of_a_graph_and_one_of_a_panel():
    final, animatic = only(phase="video"), only(rendition=Rendition.ANIMATIC, phase="video")
    assert (final.backend, final.template, final.family, final.estimate_seconds) == ("comfyui", "svd-video", "svd", 180.0)
    assert (animatic.backend, animatic.template, animatic.family) == ("animatic", "animatic-video", "animatic")
    assert final.template_digest == template("svd-video").digest
    assert animatic.template_digest == ""
    assert animatic.estimate_seconds > only(rendition=Rendition.ANIMATIC).estimate_seconds > 0


def test_a_key_is_known_at_once_only_where_no_pixels_of_others_enter_it():
    assert only().key
    assert only(phase="video").key == ""
    assert only(rendition=Rendition.ANIMATIC, phase="video").key


def test_what_is_blocked_has_no_key_and_no_gate():
    row = only(characters=[{"id": "nobody"}])
    assert (row.hold, row.base_key, row.key, row.measure_key, row.rules_digest) == ("blocked", "", "", "", "")


NUMBERS = {
    "nobody says one": ({}, {}, {}, (0, 1, 3)),
    "the project does": ({"priority": 1, "takes": {"still": 5}, "takes_up_front": {"still": 2}}, {}, {}, (1, 2, 5)),
    "the scene does": ({"priority": 1}, {"priority": 2}, {}, (2, 1, 3)),
    "the shot does": ({"takes_up_front": {"still": 2}}, {"priority": 2}, {"priority": 0, "takes": 4}, (0, 4, 3)),
    "the project does, for another phase": ({"takes": {"video": 5}, "takes_up_front": {"video": 2}}, {}, {}, (0, 1, 3)),
}


@pytest.mark.parametrize(("project", "of_scene", "of_shot", "expected"), NUMBERS.values(), ids=NUMBERS.keys())
def test_priority_and_numbers_of_takes(project, of_scene, of_shot, expected):
    row = only(world(**BOTH, **project), of_scene=of_scene, **of_shot)
    assert (row.priority, row.takes_wanted, row.takes_limit) == expected


def test_a_renamed_shot_knows_its_old_id():
    assert only(world(**BOTH, moved={"s01/sh001": "s01/sh010"})).origin_id == "p/s01/sh001/still"
    assert only().origin_id == "p/s01/sh010/still"


def gate(phase="still", rendition=Rendition.FINAL, **project):
    asked = context(world(**BOTH, **project), rendition)
    draft = next(d for d in draft_shot(asked, scene(), shot(action="runs")) if d.phase == phase)
    return gate_of(asked.world, draft, asked.rendition)


def rules(given_gate, metric):
    return [(rule.op, rule.threshold, rule.required) for rule in given_gate.rules if rule.metric == metric]


def test_the_gate_of_a_clip_asks_for_its_length_and_for_motion():
    found = gate("video")
    assert rules(found, "frame-count") == [(Op.EQUALS, 24.0, True)]
    assert rules(found, "frozen")
    assert not rules(gate("video", Rendition.ANIMATIC), "frozen")


def test_a_project_s_own_threshold_replaces_the_profile_s():
    found = gate(gates={"rules": {"all": {"sharpness": {"min": 1}}, "still": {"sharpness": {"min": 2}}, "video": {"black": {"max": 1}}}})
    assert rules(found, "sharpness") == [(Op.AT_LEAST, 2.0, True)]
    assert rules(found, "black") == [(Op.EQUALS, 0.0, True)]
    source = next(rule.source for rule in found.rules if rule.metric == "sharpness")
    assert source.startswith("projects/p/project.yaml")


def test_another_threshold_judges_again_and_measures_nothing():
    before, after = gate(), gate(gates={"rules": {"still": {"sharpness": {"min": 99}}}})
    assert before.measure_key == after.measure_key
    assert before.rules_digest != after.rules_digest


def of_sheet(**project):
    """Gates of the poses front and back of a sheet, by pose."""
    aki = merged(AKI, {"sheet": {"versions": ["adult"], "poses": ["front", "back"]}, "versions": {"child": None}})
    made = world(characters=(aki, REN), **project)
    made.references = {("aki", ""): [reference()]}
    asked = context(made, **{SHEET_TEMPLATE: template(SHEET_TEMPLATE)})
    return {draft.id.rpartition("/")[2]: gate_of(made, draft, Rendition.FINAL) for draft in draft_sheet(asked, made.characters["aki"])}


def test_a_pose_of_a_sheet_is_held_to_the_thresholds_of_sheets():
    found = of_sheet(gates={"profile": "standard", "identity": "arcface"})
    assert rules(found["front"], "face-similarity") == [(Op.AT_LEAST, SHEET_LIKENESS_MIN, True)]
    assert rules(found["front"], "face-quality")
    assert not rules(found["back"], "face-similarity") + rules(found["back"], "face-quality")


def test_while_the_list_of_models_can_not_be_read_what_they_would_judge_is_held():
    def hold(**project):
        made = world(**BOTH, **project)
        made.held = frozenset({UNREAD_MODELS})
        return {row.hold for row in rows(context(made), scene(shot()))}

    assert hold(gates={"profile": "standard"}) == {"blocked"}
    assert hold() == {""}


def test_a_gate_is_worked_out_once_for_all_targets_that_expect_the_same():
    asked = context(world(**BOTH))
    first, second = (draft_shot(asked, scene(), one)[0] for one in (shot("sh010"), shot("sh020")))
    assert gate_of(asked.world, first, Rendition.FINAL) is gate_of(asked.world, second, Rendition.FINAL)


def facts(made=None, rendition=Rendition.FINAL, **fields):
    asked = context(made or world(**BOTH), rendition)
    cut = shot(**fields)
    return facts_of(asked.world, draft_shot(asked, scene(cut), cut)[0])


CHANGED = {
    "the seed": ({"seed": 8}, {}, {"seed"}),
    "an action": ({"action": "runs"}, {}, {"action"}),
    "a colour of somebody in this shot": (
        {"characters": [{"id": "aki", "palette": {"hair": "#ffffff"}}]},
        {},
        {"characters.aki.palette.hair"},
    ),
    "words of the style": ({}, {"style": {"prompt": "ink"}}, {"style.prompt"}),
    "words of the project": ({}, {"prompt": "clean"}, {"project.prompt"}),
    "words of the world": ({}, {"bible": {"world": {"prompt": "lanterns"}}}, {"bible.prompt"}),
    "a parameter": ({"parameters": {"still": {"steps": 9}}}, {}, {"parameters.steps"}),
    "a checkpoint": ({}, {"checkpoint": "x.safetensors"}, {"parameters.checkpoint"}),
    "phases say nothing about one picture": ({"phases": ["still"]}, {}, set()),
}


@pytest.mark.parametrize(("fields", "project", "expected"), CHANGED.values(), ids=CHANGED.keys())
def test_what_is_said_to_have_changed(fields, project, expected):
    found = differences(facts(), facts(world(**BOTH, **project), **fields))
    assert {change.field for change in found} == expected


def test_another_template_and_another_picture_are_facts_too():
    asked = context(with_picture("one"), Rendition.ANIMATIC)
    draft = draft_shot(asked, scene(), shot())[0]
    assert facts_of(asked.world, draft)["inputs.reference:aki"] == reference("one").content_digest
    assert facts()["template.still"] == template().digest
    assert not any(name.startswith("template.") for name in facts(rendition=Rendition.ANIMATIC))


def test_facts_carry_the_digest_that_the_row_carries():
    asked = context(world(**BOTH))
    row = rows(asked, scene())[0]
    draft = draft_shot(asked, scene(), shot())[0]
    assert facts_of(asked.world, draft)[DIGEST] == row.facts_digest
    assert facts_of(asked.world, draft, "given")[DIGEST] == "given"


@given(st.lists(st.sampled_from([one["id"] for one in SHOTS]), unique=True))
def test_rows_are_the_same_after_the_cache_kept_them(names):
    asked = context(with_picture("one"), Rendition.ANIMATIC)
    made = rows(asked, scene(*(one for one in SHOTS if one["id"] in names))) if names else []
    assert list(targets_from_json(targets_to_json(made))) == made
