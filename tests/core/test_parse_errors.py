"""Mistakes that people make, each with the place, the code and the help it gets."""

import pytest

from koma.core.parse import parse_document

HEAD = "kind: scene\nid: s01\n"
SHOT = f"{HEAD}shots:\n  - id: sh010\n"
PERSON = "kind: character\nid: aki\nname: Aki\n"

MISTAKES = {
    # text, code, (line, column), field path, part of the help
    "a document without a kind": ("id: a\n", "missing-field", (1, 1), "kind", "`scene`"),
    "a kind that is misspelt": ("kind: scen\nid: a\n", "unknown-kind", (1, 7), "kind", "did you mean `scene`?"),
    "a kind that is not read yet": ("kind: voice\nid: a\n", "unknown-kind", (1, 7), "kind", "choose one of them"),
    "a kind that is a number": ("kind: 3\nid: a\n", "unknown-kind", (1, 7), "kind", "`story-bible`"),
    "a kind that is a list": ("kind: [scene]\nid: a\n", "unknown-kind", (1, 7), "kind", "`scene`"),
    "no id": ("kind: scene\n", "missing-field", (1, 1), "id", "add `id`"),
    "an id in capitals": ("kind: scene\nid: S 01\n", "bad-id", (2, 5), "id", "did you mean `s-01`?"),
    "an id that is a number": ("kind: scene\nid: 10\n", "wrong-type", (2, 5), "id", "put it into quotes"),
    "an id that a file system keeps": ("kind: scene\nid: con\n", "reserved-id", (2, 5), "id", "choose another id"),
    "an id that the layout keeps": ("kind: scene\nid: takes\n", "reserved-id", (2, 5), "id", "choose another id"),
    "an id that is too long": (f"kind: scene\nid: {'a' * 65}\n", "bad-id", (2, 5), "id", "1 to 64"),
    "an unknown field, at its name": (f"{HEAD}locaton: alley\n", "unknown-field", (3, 1), "locaton", "did you mean `location`?"),
    "a field that belongs deeper": (f"{HEAD}framing: wide\n", "unknown-field", (3, 1), "framing", "belongs into an entry of `shots`"),
    "a field that belongs into a part": (f"{SHOT}    move: pan\n", "unknown-field", (5, 5), "shots.sh010.move", "belongs into `camera`"),
    "an unknown field inside a shot": (f"{SHOT}    sed: 3\n", "unknown-field", (5, 5), "shots.sh010.sed", "did you mean `seed`?"),
    "an unknown field like nothing else": (f"{HEAD}zzzzzz: 1\n", "unknown-field", (3, 1), "zzzzzz", "remove it"),
    "a word that is not on the list": (
        f"{SHOT}    framing: wyde\n",
        "unknown-value",
        (5, 14),
        "shots.sh010.framing",
        "did you mean `wide`?",
    ),
    "a time of day that is a clock time": (f"{HEAD}time: 12:30\n", "unknown-value", (3, 7), "time", "`noon`"),
    "a phase that is not on the list": (f"{HEAD}phases: [still, vidio]\n", "unknown-value", (3, 17), "phases.1", "did you mean `video`?"),
    "a phase that is listed twice": (f"{HEAD}phases: [still, still]\n", "duplicate-value", (3, 9), "phases", "once"),
    "an empty list of phases": (f"{HEAD}phases: []\n", "wrong-size", (3, 9), "phases", "at least 1 entry"),
    "a phase that is no name": (f"{HEAD}templates: {{vidio: x}}\n", "unknown-value", (3, 13), "templates.vidio", "did you mean `video`?"),
    "a text for a number": (f'{SHOT}    frames: "12"\n', "wrong-type", (5, 13), "shots.sh010.frames", "in frames"),
    "a fraction for a count": (f"{SHOT}    frames: 1.5\n", "wrong-type", (5, 13), "shots.sh010.frames", "a whole number"),
    "true for a count": (f"{SHOT}    frames: true\n", "wrong-type", (5, 13), "shots.sh010.frames", "a whole number"),
    "a number for a text": (f"{HEAD}title: 1984\n", "wrong-type", (3, 8), "title", "put it into quotes"),
    "yes for true": (f"{HEAD}hold: yes\n", "wrong-type", (3, 7), "hold", "true or false"),
    "a mapping for a text": (f"{HEAD}mood:\n  very: tense\n", "wrong-type", (3, 1), "mood", "text"),
    "a text for a list": (f"{HEAD}characters: aki\n", "wrong-type", (3, 13), "characters", "a list"),
    "a text for a mapping": (f"{SHOT}    camera: pan\n", "wrong-type", (5, 13), "shots.sh010.camera", "a mapping"),
    "a number among the shots": (f"{SHOT}  - 5\n", "wrong-type", (5, 5), "shots.1", "a mapping"),
    "a field without a value": (f"{HEAD}mood:\n", "empty-value", (3, 6), "mood", "leave the field out"),
    "a list entry without a value": (f"{HEAD}characters:\n  -\n", "empty-value", (4, 4), "characters.0", "leave the field out"),
    "a seed below zero": (f"{SHOT}    seed: -1\n", "out-of-range", (5, 11), "shots.sh010.seed", "at least 0"),
    "a seed of more than 64 bits": (f"{SHOT}    seed: {2**64}\n", "out-of-range", (5, 11), "shots.sh010.seed", str(2**64 - 1)),
    "no frames at all": (f"{SHOT}    frames: 0\n", "out-of-range", (5, 13), "shots.sh010.frames", "at least 1"),
    "a width that no model likes": ("kind: project\nid: a\nwidth: 1023\n", "out-of-range", (3, 8), "width", "a multiple of 8, in px"),
    "a rate above one": (
        "kind: project\nid: a\nphase_gate: {pass_rate: 80}\n",
        "out-of-range",
        (3, 25),
        "phase_gate.pass_rate",
        "at most 1",
    ),
    "more poses than a sheet has": (
        "kind: project\nid: a\nphase_gate: {sheet_poses: 9}\n",
        "out-of-range",
        (3, 27),
        "phase_gate.sheet_poses",
        "at most 8",
    ),
    "a scope that is none": ("kind: project\nid: a\nphase_gate: {scope: scen}\n", "unknown-value", (3, 21), "phase_gate.scope", "`scene`?"),
    "a rule that is judged at no time": (
        "kind: project\nid: a\ngates: {rules: {video: {width: {min: 9, when: later}}}}\n",
        "unknown-value",
        (3, 47),
        "gates.rules.video.width.when",
        "`final`",
    ),
    "a rule that says when and not what": (
        "kind: project\nid: a\ngates: {rules: {video: {width: {when: final}}}}\n",
        "empty-rule",
        (3, 32),
        "gates.rules.video.width",
        "`min`",
    ),
    "a template for the animatic": (f"{HEAD}templates: {{animatic: x}}\n", "unknown-value", (3, 13), "templates.animatic", "`still`"),
    "a step that is listed twice": (f"{HEAD}finish: {{video: [post, post]}}\n", "duplicate-value", (3, 17), "finish.video", "once"),
    "a start that is no shot": (
        f"{SHOT}    start_from: {{shot: a/b/c}}\n",
        "bad-text",
        (5, 24),
        "shots.sh010.start_from.shot",
        "`s01/sh010`",
    ),
    "a start at another frame": (
        f"{SHOT}    start_from: {{shot: sh005, frame: first}}\n",
        "unknown-value",
        (5, 38),
        "shots.sh010.start_from.frame",
        "`last`",
    ),
    "a pin that names no take": (f"{SHOT}    pin: second\n", "wrong-type", (5, 10), "shots.sh010.pin", "a take number from 1"),
    "a pin of take 0": (f"{SHOT}    pin: 0\n", "wrong-type", (5, 10), "shots.sh010.pin", "a take number from 1"),
    "a control picture outside of the project": (
        f"{SHOT}    control: {{pose: ../x.png}}\n",
        "bad-path",
        (5, 21),
        "shots.sh010.control.pose",
        "without `..`",
    ),
    "an anchor after no segment": (f"{SHOT}    reanchor_every: 0\n", "out-of-range", (5, 21), "shots.sh010.reanchor_every", "at least 1"),
    "a metric that nobody measures": (
        "kind: project\nid: a\ngates: {rules: {still: {sharpnes: {min: 1}}}}\n",
        "unknown-value",
        (3, 25),
        "gates.rules.still.sharpnes",
        "did you mean `sharpness`?",
    ),
    "too many takes": ("kind: project\nid: a\ntakes: {still: 21}\n", "out-of-range", (3, 16), "takes.still", "at most 20"),
    "a length that is given twice": (f"{SHOT}    frames: 3\n    seconds: 1\n", "two-lengths", (6, 14), "shots.sh010.seconds", "one of"),
    "a duration in other words": (f"{SHOT}    duration: 2s\n", "bad-text", (5, 15), "shots.sh010.duration", "`2+12`"),
    "shots and cuts": (f"{HEAD}shots: []\ncuts: []\n", "two-names", (4, 1), "cuts", "under `shots`"),
    "a shot twice": (f"{SHOT}  - id: sh010\n", "duplicate-id", (5, 9), "shots.sh010.id", "line 4"),
    "a character twice": (f"{HEAD}characters:\n  - aki\n  - aki\n", "duplicate-id", (5, 5), "characters.1.id", "line 4"),
    "a line of dialogue twice": (
        f"{SHOT}    dialogue:\n      - {{id: a, who: b, text: c}}\n      - {{id: a, who: b, text: d}}\n",
        "duplicate-id",
        (7, 14),
        "shots.sh010.dialogue.a.id",
        "line 6",
    ),
    "a bare character that is no id": (f"{HEAD}characters: [Aki]\n", "bad-id", (3, 14), "characters.0.id", "did you mean `aki`?"),
    "a colour by name": (f"{PERSON}palette:\n  hair: red\n", "bad-text", (5, 9), "palette.hair", "#rrggbb"),
    "a colour slot that does not exist": (
        f"{PERSON}palette:\n  eye: '#000000'\n",
        "unknown-field",
        (5, 3),
        "palette.eye",
        "did you mean `eyes`?",
    ),
    "a version that is no id": (
        f"{PERSON}versions:\n  Old One: {{age: 80}}\n",
        "bad-id",
        (5, 3),
        "versions.Old One",
        "did you mean `old-one`?",
    ),
    "an age that is none": (f"{PERSON}versions: {{old: {{age: -3}}}}\n", "wrong-type", (4, 23), "versions.old.age", "whole years"),
    "a default version that is not there": (
        f"{PERSON}versions: {{adult: {{}}}}\ndefault_version: adlut\n",
        "missing-reference",
        (5, 18),
        "default_version",
        "did you mean `adult`?",
    ),
    "a default outfit where there are none": (
        f"{PERSON}default_outfit: coat\n",
        "missing-reference",
        (4, 17),
        "default_outfit",
        "defined in this document",
    ),
    "a path that leaves the project": (
        f"{PERSON}references: {{files: [../x.png]}}\n",
        "bad-path",
        (4, 22),
        "references.files.0",
        "without `..`",
    ),
    "a path from the root": (f"{PERSON}references: {{files: [/x.png]}}\n", "bad-path", (4, 22), "references.files.0", "relative"),
    "a path of another system": (f"{PERSON}references: {{files: ['C:\\x.png']}}\n", "bad-path", (4, 22), "references.files.0", "relative"),
    "a list as a parameter": (
        "kind: project\nid: a\nparameters: {still: {steps: [1]}}\n",
        "wrong-type",
        (3, 29),
        "parameters.still.steps",
        "a number",
    ),
    "a rule without a threshold": (
        "kind: project\nid: a\ngates: {rules: {all: {sharpness: {}}}}\n",
        "empty-rule",
        (3, 34),
        "gates.rules.all.sharpness",
        "`min`, `max` or `equals`",
    ),
    "a rule that nothing can pass": (
        "kind: project\nid: a\ngates: {rules: {all: {frozen: {min: 2, max: 1}}}}\n",
        "bad-range",
        (3, 37),
        "gates.rules.all.frozen.min",
        "larger than max",
    ),
    "a rule that its own bounds contradict": (
        "kind: project\nid: a\ngates: {rules: {all: {frozen: {max: 1, equals: 3}}}}\n",
        "bad-range",
        (3, 48),
        "gates.rules.all.frozen.equals",
        "equals 3 lies outside of min and max",
    ),
    "a range that nothing fits": (
        "kind: style\nid: a\nrules: {parameters: {cfg: {min: 2, max: 1}}}\n",
        "bad-range",
        (3, 33),
        "rules.parameters.cfg.min",
        "larger than max",
    ),
    "rules for a phase that does not exist": (
        "kind: project\nid: a\ngates: {rules: {stil: {}}}\n",
        "unknown-field",
        (3, 17),
        "gates.rules.stil",
        "did you mean `still`?",
    ),
    "a move to no target": ("kind: project\nid: a\nmoved: {s01/sh010: S01}\n", "bad-text", (3, 20), "moved.s01/sh010", "ids joined by `/`"),
}


@pytest.mark.parametrize(("text", "code", "spot", "path", "help_"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_is_one_located_problem(text, code, spot, path, help_):
    (problem,) = parse_document(text, "f.yaml").problems
    assert (problem.code, (problem.place.line, problem.place.column), problem.path) == (code, spot, path)
    assert help_ in f"{problem.message} {problem.expected} {problem.hint}"


def test_all_mistakes_of_a_file_are_reported_in_their_order():
    text = f"{HEAD}title: 3\nmod: x\nshots:\n  - {{id: a, framing: x, seed: y}}\n  - {{seed: 1}}\n---\nkind: x\n"
    problems = parse_document(text, "f.yaml").problems
    assert [(problem.place.line, problem.code) for problem in problems] == [
        (3, "wrong-type"),
        (4, "unknown-field"),
        (6, "unknown-value"),
        (6, "wrong-type"),
        (7, "missing-field"),
        (9, "unknown-kind"),
    ]


def test_a_rule_that_is_only_shown_needs_no_threshold():
    parsed = parse_document("kind: project\nid: a\ngates: {rules: {all: {sharpness: {required: false}}}}\n", "f.yaml")
    assert parsed.problems == ()


def test_a_long_value_is_shortened_in_the_message():
    (problem,) = parse_document(f"{HEAD}time: {'x' * 500}\n", "f.yaml").problems
    assert len(problem.message) < 80
