"""Gates are worked out once for targets that ask for the same. Whoever comes second gets what it would have got alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.desire import draft_shot
from koma.core.style import words_of
from koma.core.target_gate import gate_of
from koma.core.words import Rendition
from support.worlds import AKI, REN, context, merged, reference, scene, shot, world

PICTURES = ("aki/a.png", "aki/child/b.png", "ren/c.png")
MEMBERS = st.fixed_dictionaries(
    {"id": st.sampled_from(["aki", "ren"])},
    optional={
        "version": st.sampled_from(["child", "adult"]),
        "outfit": st.sampled_from(["coat", "yukata"]),
        "expression": st.just("smile"),
        "position": st.sampled_from(["left", "right"]),
        "palette": st.fixed_dictionaries({}, optional={"hair": st.sampled_from(["#000000", "#ff0000"]), "skin": st.just("#ddbbaa")}),
        "base_prompt": st.sampled_from(["tall", "small"]),
    },
).map(
    lambda who: (
        who if who["id"] == "aki" else {name: value for name, value in who.items() if name not in {"version", "outfit", "expression"}}
    )
)
CASTS = st.lists(MEMBERS, max_size=2, unique_by=lambda who: who["id"])
FIELDS = st.fixed_dictionaries({"frames": st.sampled_from([24, 48]), "action": st.sampled_from(["", "runs"]), "characters": CASTS})
PROJECTS = st.sampled_from(
    [
        {},
        {"gates": {"profile": "standard", "identity": "clip"}},
        {"gates": {"rules": {"all": {"palette-distance": {"max": 5}}, "video": {"frozen": {"max": 0.1}}}}},
        {"width": 512, "finish": {"video": ["colour-match"]}},
    ]
)


def studio(project):
    made = world(characters=(merged(AKI, {"consistency_threshold": 0.5}), REN), phases=["still", "loop", "video"], **project)
    for path in PICTURES:
        who, _, part = path.rpartition("/")[0].partition("/")
        made.references.setdefault((who, part), []).append(reference(path))
    return made


def gates(made, fields, rendition):
    """Target id → its gate, and the words of its cast."""
    asked = context(made, rendition)
    drafts = draft_shot(asked, scene(), shot(**fields))
    words = [words_of(made, who) for who in drafts[0].values["characters"]]
    return {draft.id: gate_of(made, draft, rendition) for draft in drafts}, words


@settings(deadline=None)
@given(PROJECTS, st.lists(st.tuples(FIELDS, st.sampled_from([Rendition.FINAL, Rendition.ANIMATIC])), min_size=2, max_size=5))
def test_every_target_gets_the_gate_that_it_would_get_alone(project, asked):
    shared = studio(project)
    for fields, rendition in asked:
        assert gates(shared, fields, rendition) == gates(studio(project), fields, rendition)
