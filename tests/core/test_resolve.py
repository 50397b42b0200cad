"""Overlays: project ⊕ bible ⊕ character ⊕ version ⊕ outfit ⊕ scene ⊕ shot, field by field, with where each value came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.overlay import Layer, flatten, overlay
from koma.core.prompt import character_negative
from koma.core.resolve import frames_of, phases_of, resolve_shot
from support.worlds import AKI, ALLEY, doc, merged, scene, shot, world

# For each field of a character: what each layer says, weakest first. A test speaks for every beginning of such a list.
CHARACTER_LAYERS = ("project", "bible", "character", "version", "outfit", "scene defaults", "scene", "shot")
SHOT_LAYERS = ("project", "bible", "scene defaults", "scene", "shot")
PLAIN_AKI = {"kind": "character", "id": "aki", "name": "Aki"}


def stage(said):
    """World, scene and shot in which each layer says what it is told to: layer → fields of the character."""

    def of(name):
        return said.get(name, {})

    defaults = {layer: {"defaults": {"character": of(layer)}} for layer in ("project", "bible")}
    who = merged(PLAIN_AKI, of("character"), {"versions": {"adult": of("version")}, "outfits": {"coat": of("outfit")}})
    made = world(characters=(who,), bible=defaults["bible"], **defaults["project"])
    cut = shot(characters=[{"id": "aki", **of("shot")}])
    entry = {"id": "aki", "version": "adult", "outfit": "coat", **of("scene")}
    return made, scene(cut, characters=[entry], defaults={"character": of("scene defaults")}), cut


def places(layer):
    """File and path under which each layer of `stage` says something."""
    return {
        "project": ("projects/p/project.yaml", "defaults.character."),
        "bible": ("projects/p/bible.yaml", "defaults.character."),
        "character": ("projects/p/aki.yaml", ""),
        "version": ("projects/p/aki.yaml", "versions.adult."),
        "outfit": ("projects/p/aki.yaml", "outfits.coat."),
        "scene defaults": ("projects/p/s01.yaml", "defaults.character."),
        "scene": ("projects/p/s01.yaml", "characters.aki."),
        "shot": ("projects/p/s01.yaml", "shots.sh010.characters.aki."),
    }[layer]


FIELDS = {
    "negative": lambda layer: f"no {layer}",
    "height": lambda layer: 1.0 + CHARACTER_LAYERS.index(layer) / 10,
    "loras": lambda layer: [{"name": f"{layer}.safetensors"}],
    "base_prompt": lambda layer: f"words of {layer}",
}


# What an outfit does not show adds to what the character does not show.
STRONGEST = [(field, layer) for field in FIELDS for layer in CHARACTER_LAYERS if (field, layer) != ("negative", "outfit")]


@pytest.mark.parametrize(("field", "strongest"), STRONGEST)
def test_the_strongest_layer_that_says_something_wins(field, strongest):
    layers = CHARACTER_LAYERS[: CHARACTER_LAYERS.index(strongest) + 1]
    made, one, cut = stage({layer: {field: FIELDS[field](layer)} for layer in layers})
    found = resolve_shot(made, one, cut, trace=True)
    assert found.values["characters"][0][field] == FIELDS[field](strongest)
    file, path = places(strongest)
    assert found.origins[f"characters.aki.{field}"] == (file, 0, f"{path}{field}")


def test_words_of_an_outfit_add_to_those_of_the_character():
    made, one, cut = stage({"character": {"negative": "jewellery"}, "outfit": {"negative": "hood"}})
    who = resolve_shot(made, one, cut).values["characters"][0]
    assert (who["negative"], who["outfit_negative"]) == ("jewellery", "hood")
    assert character_negative(who) == "jewellery, hood"


@pytest.mark.parametrize("mapping", ["palette", "traits"])
def test_mappings_are_merged_key_by_key_and_each_knows_where_it_is_from(mapping):
    said = {layer: {mapping: {"hair": layer, layer: layer}} for layer in CHARACTER_LAYERS}
    made, one, cut = stage(said)
    found = resolve_shot(made, one, cut, trace=True)
    assert found.values["characters"][0][mapping] == {"hair": "shot", **{layer: layer for layer in CHARACTER_LAYERS}}
    for layer in CHARACTER_LAYERS:
        file, path = places(layer)
        assert found.origins[f"characters.aki.{mapping}.{layer}"] == (file, 0, f"{path}{mapping}.{layer}")


def test_lists_are_replaced_whole():
    made, one, cut = stage({"character": {"loras": [{"name": "a"}, {"name": "b"}]}, "shot": {"loras": [{"name": "c"}]}})
    assert resolve_shot(made, one, cut).values["characters"][0]["loras"] == [{"name": "c"}]


@pytest.mark.parametrize("strongest", SHOT_LAYERS)
def test_fields_of_a_shot_are_overlaid_likewise(strongest):
    layers = SHOT_LAYERS[: SHOT_LAYERS.index(strongest) + 1]
    said = {layer: {"mood": layer, "camera": {"move": "pan", "direction": layer}} for layer in layers}

    def of(layer):
        return {"defaults": {"shot": said.get(layer, {})}}

    cut = shot(**said.get("shot", {}))
    made = world(bible=of("bible"), **of("project"))
    one = scene(cut, **({"mood": "scene"} if "scene" in layers else {}), **of("scene defaults"))
    found = resolve_shot(made, one, cut, trace=True)
    assert found.values["mood"] == strongest
    written = {"shot": "shots.sh010.mood", "scene": "mood"}.get(strongest, "defaults.shot.mood")
    assert found.origins["mood"][2] == written


def test_a_camera_is_merged_field_by_field():
    made = world(defaults={"shot": {"camera": {"move": "pan", "direction": "left", "speed": 2.0}}})
    cut = shot(camera={"direction": "right"})
    assert resolve_shot(made, scene(cut), cut).values["camera"] == {"move": "pan", "direction": "right", "speed": 2.0}


DEFAULTS = {
    "framing": "medium",
    "angle": "eye",
    "camera": {"move": "static", "direction": "", "speed": 1.0},
    "action": "",
    "mood": "",
    "frames": 48,
    "fps": 24,
    "width": 1024,
    "height": 576,
    "seed": None,
    "phases": ["still", "video"],
    "dialogue": [],
    "location": None,
    "characters": [],
}


@pytest.mark.parametrize("field", DEFAULTS)
def test_what_counts_where_nobody_says_anything(field):
    made = world(width=None, height=None, fps=None, phases=None)
    one = doc({"kind": "scene", "id": "s01", "shots": [{"id": "sh010"}]})
    assert resolve_shot(made, one, one.data["shots"][0]).values[field] == DEFAULTS[field]


@pytest.mark.parametrize(
    ("of_scene", "of_shot", "expected"),
    [
        pytest.param({}, {}, ("night", "rain"), id="the location's, where nobody else says one"),
        pytest.param({"time": "dawn"}, {}, ("dawn", "rain"), id="the scene's"),
        pytest.param({"time": "dawn", "weather": "snow"}, {"weather": "fog"}, ("dawn", "fog"), id="the shot's"),
    ],
)
def test_time_and_weather(of_scene, of_shot, expected):
    cut = shot(**of_shot)
    values = resolve_shot(world(), scene(cut, **of_scene), cut).values
    assert (values["time"], values["weather"]) == expected


def test_what_a_shot_has_from_its_location_is_traced_there():
    origins = resolve_shot(world(), scene(), shot(), trace=True).origins
    assert origins["time"] == ("projects/p/alley.yaml", 0, "time")
    assert origins["location.prompt"] == ("projects/p/alley.yaml", 0, "prompt")
    assert origins["location.id"] == ("projects/p/s01.yaml", 0, "location")


LENGTHS = {
    "frames": ({"frames": 10}, 10),
    "seconds at the project's rate": ({"seconds": 2.0, "frames": None}, 24),
    "seconds are rounded to whole frames": ({"seconds": 0.3, "frames": None}, 4),
    "the shortest length is one frame": ({"seconds": 0.001, "frames": None}, 1),
    "seconds and frames": ({"duration": "2+5", "frames": None}, 29),
    "no length at all": ({"frames": None}, 48),
}


@pytest.mark.parametrize(("fields", "expected"), LENGTHS.values(), ids=LENGTHS.keys())
def test_how_long_a_shot_is(fields, expected):
    cut = merged(shot(), fields)
    assert resolve_shot(world(fps=12), scene(cut), cut).values["frames"] == expected


FORMS = {
    "frames over seconds": ({"seconds": 5.0}, {}, {"frames": 10}, 10, "shots.sh010.frames"),
    "seconds over frames": ({"frames": 99}, {}, {"seconds": 1.0}, 12, "shots.sh010.seconds"),
    "both over frames": ({"frames": 99}, {"frames": 98}, {"duration": "1+1"}, 13, "shots.sh010.duration"),
    "the scene's where the shot has none": ({"seconds": 5.0}, {"frames": 98}, {}, 98, "defaults.shot.frames"),
    "the project's where nobody else has one": ({"seconds": 5.0}, {}, {}, 60, "defaults.shot.seconds"),
}


@pytest.mark.parametrize(("project", "of_scene", "of_shot", "frames", "path"), FORMS.values(), ids=FORMS.keys())
def test_the_strongest_length_wins_in_whatever_form_it_is_written(project, of_scene, of_shot, frames, path):
    cut = merged(shot(), {"frames": None}, of_shot)
    made, one = world(fps=12, defaults={"shot": project}), scene(cut, defaults={"shot": of_scene})
    found = resolve_shot(made, one, cut, trace=True)
    assert found.values["frames"] == frames
    assert found.origins["frames"][2] == path
    assert [resolve_shot(made, one, cut).values["frames"] for _ in range(2)] == [frames, frames]


@given(st.integers(0, 500), st.integers(0, 30), st.sampled_from([12, 23.976, 24, 30]))
def test_seconds_plus_frames_is_never_shorter_than_its_frames(seconds, extra, fps):
    frames = frames_of({"duration": f"{seconds}+{extra}"}, fps)
    assert frames >= max(1, extra)
    assert abs(frames - extra - seconds * fps) <= 1


CASTS = {
    "a shot that names nobody has the whole cast of its scene": (None, [("aki", "adult"), ("ren", "")]),
    "a shot that names somebody has nobody else": ([{"id": "ren"}], [("ren", "")]),
    "a shot may be empty": ([], []),
    "what the scene says of somebody holds in the shot": ([{"id": "aki", "pose": "walking"}], [("aki", "adult")]),
    "a shot may name another version": ([{"id": "aki", "version": "child"}], [("aki", "child")]),
}


@pytest.mark.parametrize(("named", "expected"), CASTS.values(), ids=CASTS.keys())
def test_who_is_in_a_shot(named, expected):
    cut = merged(shot(), {"characters": named})
    one = scene(cut, characters=[{"id": "aki", "version": "adult"}, {"id": "ren"}])
    values = resolve_shot(world(), one, cut).values
    assert [(who["id"], who["version"]) for who in values["characters"]] == expected


def test_a_character_brings_its_own_version_and_outfit():
    aki = merged(AKI, {"default_version": "child", "default_outfit": "yukata"})
    found = resolve_shot(world(characters=(aki,)), scene(), shot(), trace=True)
    who = found.values["characters"][0]
    assert (who["version"], who["outfit"], who["age"], who["outfit_prompt"]) == ("child", "yukata", 8, "indigo yukata")
    assert found.origins["characters.aki.version"] == ("projects/p/aki.yaml", 0, "default_version")
    assert found.origins["characters.aki.age"] == ("projects/p/aki.yaml", 0, "versions.child.age")


def test_an_outfit_adds_to_the_words_of_a_character_and_does_not_replace_them():
    cut = shot(characters=[{"id": "aki", "outfit": "coat"}])
    who = resolve_shot(world(), scene(cut), cut).values["characters"][0]
    assert (who["base_prompt"], who["outfit_prompt"]) == ("young woman", "long coat")
    assert who["palette"] == {"hair": "#101010", "eyes": "#2244cc", "outfit": "#334455"}


EXPRESSIONS = {
    "a defined expression has its words": ("smile", "small smile", "teeth"),
    "a free one is its own word": ("surprised", "surprised", ""),
    "none has none": (None, "", ""),
}


@pytest.mark.parametrize(("word", "prompt", "negative"), EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_the_words_of_an_expression(word, prompt, negative):
    cut = shot(characters=[{"id": "aki", **({"expression": word} if word else {})}])
    found = resolve_shot(world(), scene(cut), cut, trace=True)
    who = found.values["characters"][0]
    assert (who["expression_prompt"], who["expression_negative"]) == (prompt, negative)
    if negative:
        assert found.origins["characters.aki.expression_prompt"] == ("projects/p/aki.yaml", 0, "expressions.smile.prompt")


def test_people_without_a_place_stand_apart():
    cut = shot(characters=[{"id": "aki"}, {"id": "ren"}, {"id": "aki", "position": "background"}])
    values = resolve_shot(world(), scene(cut), cut).values
    assert [who["position"] for who in values["characters"]] == ["center", "left", "background"]


def test_a_line_names_its_speaker():
    cut = shot(dialogue=[{"id": "l1", "who": "aki", "text": "You're late."}, {"id": "l2", "who": "voice", "text": "..."}])
    lines = resolve_shot(world(), scene(cut), cut).values["dialogue"]
    assert [(line["name"], line["text"]) for line in lines] == [("Aki", "You're late."), ("voice", "...")]


def test_tracing_changes_no_value():
    cut = shot(characters=[{"id": "aki", "palette": {"hair": "#ffffff"}, "expression": "smile"}], seconds=None)
    made = world(bible={"defaults": {"character": {"height": 1.1}}})
    assert resolve_shot(made, scene(cut), cut).values == resolve_shot(made, scene(cut), cut, trace=True).values


def test_what_one_shot_says_stays_in_that_shot():
    loud = merged(shot("sh010", mood="loud", camera={"move": "pan"}, time="dawn", seconds=1.0), {"frames": None})
    plain = {"id": "sh020"}
    made = world(defaults={"shot": {"camera": {"move": "tilt"}, "frames": 30}})
    one = scene(loud, plain, mood="calm")
    alone = resolve_shot(made, one, plain).values
    resolve_shot(made, one, loud)
    assert resolve_shot(made, one, plain).values == alone
    assert (alone["mood"], alone["camera"]["move"], alone["frames"], alone["time"]) == ("calm", "tilt", 30, "night")


def test_what_one_shot_says_of_somebody_stays_in_that_shot():
    dyed = shot("sh010", characters=[{"id": "aki", "palette": {"hair": "#ffffff"}}])
    plain = shot("sh020")
    made, one = world(), scene(dyed, plain)
    hair = [resolve_shot(made, one, cut).values["characters"][0]["palette"]["hair"] for cut in (dyed, plain, dyed)]
    assert hair == ["#ffffff", "#101010", "#ffffff"]


def test_a_shot_has_the_address_of_its_project_scene_and_id():
    assert resolve_shot(world(), scene(), shot()).address == "p/s01/sh010"


@pytest.mark.parametrize(
    "fields", [{"personality": "stern"}, {"backstory": "long"}, {"behaviours": ["hums"]}, {"role": "rival"}, {"voice": {"engine": "x"}}]
)
def test_what_is_no_looks_never_enters_a_shot(fields):
    before = resolve_shot(world(), scene(), shot()).values
    assert resolve_shot(world(characters=({**AKI, **fields},)), scene(), shot()).values == before


def test_a_location_without_words_is_read_with_empty_ones():
    place = resolve_shot(world(locations=({"kind": "location", "id": "alley"},)), scene(), shot()).values["location"]
    assert place == {"id": "alley", "name": "alley", "description": "", "prompt": "", "negative": "", "palette": [], "features": []}


def test_a_shot_may_lie_elsewhere_than_its_scene():
    pier = {**ALLEY, "id": "pier", "name": "Pier"}
    cut = shot(location="pier")
    assert resolve_shot(world(locations=(ALLEY, pier)), scene(cut), cut).values["location"]["name"] == "Pier"


numbers = st.integers(0, 3)
leaves = st.none() | numbers | st.lists(numbers, max_size=2) | st.dictionaries(st.sampled_from("xyz"), numbers, max_size=3)
layers = st.lists(st.dictionaries(st.sampled_from("abc"), leaves, max_size=3), max_size=4)


@given(layers)
def test_every_overlaid_leaf_is_what_its_origin_says(said):
    origins = {}
    made = [Layer(str(number), number, "", fields) for number, fields in enumerate(said)]
    result = overlay(made, None, origins, "")
    for name, value in flatten(result).items():
        if value == {}:
            continue
        file, part, path = origins[name]
        written = flatten(said[int(file)])
        assert (part, path) == (int(file), name)
        assert written[name] == value


@given(layers)
def test_an_overlay_can_be_made_in_two_steps(said):
    made = [Layer("f", 0, "", fields) for fields in said]
    for cut in range(len(made) + 1):
        first = Layer("f", 0, "", overlay(made[:cut]))
        assert overlay([first, *made[cut:]]) == overlay(made)


@given(layers)
def test_overlaying_changes_no_layer(said):
    before = repr(said)
    overlay([Layer("f", 0, "", fields) for fields in said], None, {}, "")
    assert repr(said) == before


FLAT = {
    "mappings are opened up": ({"a": {"b": 1, "c": 2}}, {"a.b": 1, "a.c": 2}),
    "entries with an id are called by it": ({"l": [{"id": "x", "v": 1}]}, {"l.x.id": "x", "l.x.v": 1}),
    "entries without one are counted": ({"l": [{"v": 1}, {"v": 2}]}, {"l.0.v": 1, "l.1.v": 2}),
    "plain lists stay whole": ({"l": [1, 2]}, {"l": [1, 2]}),
    "tuples become lists": ({"l": (1, 2)}, {"l": [1, 2]}),
    "empty lists stay": ({"l": []}, {"l": []}),
}


@pytest.mark.parametrize(("value", "expected"), FLAT.values(), ids=FLAT.keys())
def test_flat_fields(value, expected):
    assert flatten(value) == expected


OF_PROJECT = {"phases": ["video"], "defaults": {"shot": {"phases": ["still", "loop"]}}}
PHASES = {
    "those of the shot": (OF_PROJECT, {"phases": ["still"]}, {"phases": ["loop"]}, ["loop"]),
    "else those of its scene": (OF_PROJECT, {"phases": ["still"]}, {}, ["still"]),
    "else those of the scene's defaults": (OF_PROJECT, {"defaults": {"shot": {"phases": ["loop"]}}}, {}, ["loop"]),
    "else those of the project's defaults": (OF_PROJECT, {}, {}, ["still", "loop"]),
    "else those of the project": ({"phases": ["video"]}, {}, {}, ["video"]),
    "else a still and a video": ({"phases": None}, {}, {}, ["still", "video"]),
}


@pytest.mark.parametrize(("of_project", "of_scene", "of_shot", "expected"), PHASES.values(), ids=PHASES.keys())
def test_phases_that_a_shot_takes_part_in(of_project, of_scene, of_shot, expected):
    cut = shot(**of_shot)
    made, written = world(**of_project), scene(cut, **of_scene)
    assert phases_of(made, written, cut) == expected
    assert resolve_shot(made, written, cut).values["phases"] == expected
