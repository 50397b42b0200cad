"""What people decided: the last word about everything, and what it makes of takes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.gate import GateResult, Measurement, Op, Rule, judge
from koma.core.parse import parse_document
from koma.core.review import Reviewed, as_planned, judged, kept_word, missing_takes, reviewed, sayings, with_word
from koma.core.words import Verdict
from support.worlds import doc, hexed, place, row, target

STILL = target()
FIRST = row(STILL, "k1")
SECOND = row(STILL, "k1", 2, Verdict.FAILED)
ID = STILL.id
EARLY, LATE = "2026-07-04", "2026-07-05T10:00:00Z"


def review(name: str, at: str, *decisions: dict, **more):
    """One document; without `at` it does not say when."""
    return doc(
        {"kind": "review", "id": name, "decisions": list(decisions), **({"at": at} if at else {}), **more},
        f"projects/p/reviews/{name}.yaml",
    )


def take(decision: str, of=FIRST, **more) -> dict:
    return {"target": of.target, "take": of.number, "content": of.content_digest, "decision": decision, **more}


def phase(decision: str, name: str = "still", **more) -> dict:
    return {"phase": name, "decision": decision, **more}


def hold(decision: str = "hold") -> dict:
    return {"target": ID, "decision": decision}


def read(*docs, **more) -> Reviewed:
    return reviewed(
        [said for one in docs for said in sayings("p", one)], place, **{"moved": {}, "unsure": frozenset(), "digest": "d", **more}
    )


def word(by: Reviewed, of=FIRST) -> str:
    said = by.word(of.target, of.content_digest)
    return said.decision if said else ""


@pytest.mark.parametrize(
    ("docs", "last"),
    [
        pytest.param([], "", id="nobody said anything"),
        pytest.param([review("a", EARLY, take("approve"))], "approve", id="one word"),
        pytest.param([review("a", EARLY, take("approve")), review("b", LATE, take("reject"))], "reject", id="the later word"),
        pytest.param([review("a", LATE, take("approve")), review("b", EARLY, take("reject"))], "approve", id="whichever id it has"),
        pytest.param([review("b", EARLY, take("approve")), review("a", EARLY, take("reject"))], "approve", id="at one time, by id"),
        pytest.param([review("a", "", take("approve"), take("reject"))], "reject", id="in one document, by order"),
        pytest.param([review("a", EARLY, take("approve")), review("b", LATE, take("retake"))], "retake", id="a retake is a word, too"),
        pytest.param([review("a", EARLY, take("approve")), review("b", LATE, hold())], "approve", id="a hold is about the target"),
        pytest.param([review("a", "", take("approve")), review("b", "", take("approve"))], "approve", id="who agrees needs no time"),
        pytest.param([review("a", "", take("approve")), review("b", LATE, take("reject"))], "", id="two that disagree, and one has none"),
        pytest.param([review("a", EARLY, take("approve", target="s01/sh010/still"))], "approve", id="without the project"),
        pytest.param([review("a", EARLY, take("approve", SECOND))], "", id="a word about another take"),
        pytest.param([review("a", EARLY, take("approve", target="p/s01/sh020/still"))], "", id="a word about the same pixels elsewhere"),
    ],
)
def test_the_last_word_about_a_take(docs, last):
    assert word(read(*docs)) == last


def test_a_disagreement_is_told_at_both_places():
    found = read(review("a", "", take("approve")), review("b", LATE, take("reject"))).problems
    assert [(problem.code, problem.place.file, problem.expected) for problem in found] == [
        ("disagreement", "projects/p/reviews/a.yaml", "`at` in both documents"),
        ("disagreement", "projects/p/reviews/b.yaml", "`at` in both documents"),
    ]
    assert f"take 1 of {ID}" in found[0].message
    assert str(found[1].place) in found[0].message


@pytest.mark.parametrize(
    ("docs", "approved", "rejected"),
    [
        pytest.param([review("a", EARLY, phase("approve"))], {("p", "still")}, set(), id="in the project"),
        pytest.param([review("a", EARLY, phase("approve", scope="s01"))], {("p/s01", "still")}, set(), id="in a scene"),
        pytest.param([review("a", EARLY, phase("approve")), review("b", LATE, phase("reject"))], set(), {("p", "still")}, id="taken back"),
        pytest.param(
            [review("a", EARLY, phase("approve")), review("b", LATE, phase("reject", scope="s01"))],
            {("p", "still")},
            {("p/s01", "still")},
            id="in the project, but for a scene",
        ),
        pytest.param(
            [review("a", EARLY, phase("reject", scope="s01")), review("b", LATE, phase("approve"))],
            {("p", "still")},
            set(),
            id="the project after its scene",
        ),
        pytest.param([review("a", "", phase("approve")), review("b", "", phase("reject"))], set(), set(), id="nobody knows"),
        pytest.param(
            [review("a", EARLY, phase("approve"), phase("reject", "loop"))], {("p", "still")}, {("p", "loop")}, id="phase by phase"
        ),
    ],
)
def test_the_last_word_about_a_phase(docs, approved, rejected):
    by = read(*docs)
    assert (by.approved_phases, by.rejected_phases) == (approved, rejected)


@pytest.mark.parametrize(
    ("docs", "held"),
    [
        pytest.param([review("a", EARLY, hold())], {ID}, id="a target is held"),
        pytest.param([review("a", EARLY, hold()), review("b", LATE, take("approve"))], set(), id="until a later word about it"),
        pytest.param([review("a", LATE, hold()), review("b", EARLY, take("approve"))], {ID}, id="not an earlier one"),
        pytest.param([review("a", EARLY, hold()), review("b", LATE, phase("approve"))], {ID}, id="nor one about its phase"),
        pytest.param([review("a", "", hold()), review("b", "", take("approve"))], set(), id="nobody knows"),
        pytest.param([review("a", "", take("approve")), review("b", "", take("reject", SECOND))], set(), id="other words need no order"),
    ],
)
def test_a_hold_lasts_until_a_later_word(docs, held):
    assert read(*docs).held.keys() == held


def test_a_renamed_target_keeps_what_was_said_about_it():
    moved = {"p/s01/sh005": "p/s01/sh010"}
    by = read(review("a", EARLY, take("approve"), hold()), moved=moved)
    assert word(by, FIRST._replace(target="p/s01/sh005/still")) == word(by) == "approve"
    assert by.held.keys() == {"p/s01/sh005/still"}
    assert word(read(review("a", EARLY, take("reject", target="p/s01/sh005/still")), moved=moved)) == "reject"


def shown(rows) -> list[tuple[str, bool]]:
    return [(one.verdict, one.approved) for one in rows]


OTHER_KEY = row(STILL, "k2", 1)
APPROVED = SECOND._replace(approved=True, verdict="passed", decided=True)
CASES = [
    pytest.param([FIRST, SECOND], [], [("passed", False), ("failed", False)], id="nobody said anything"),
    pytest.param([FIRST, SECOND], [take("approve", SECOND)], [("passed", False), ("passed", True)], id="an approved take has passed"),
    pytest.param([FIRST, SECOND], [take("reject")], [("failed", False), ("failed", False)], id="a rejected take has failed"),
    pytest.param([FIRST, APPROVED], [take("reject", SECOND)], [("passed", False), ("failed", False)], id="also one approved before"),
    pytest.param(
        [FIRST, SECOND],
        [take("approve", SECOND), take("approve")],
        [("passed", True), ("failed", False)],
        id="of two, the one approved last",
    ),
    pytest.param(
        [FIRST, OTHER_KEY],
        [take("approve"), take("approve", OTHER_KEY)],
        [("passed", True), ("passed", True)],
        id="another picture is another matter",
    ),
    pytest.param([FIRST, APPROVED], [], [("passed", False), ("passed", False)], id="nobody approves any more"),
    pytest.param([FIRST, APPROVED], [take("retake", SECOND)], [("passed", False), ("passed", False)], id="a retake takes an approval back"),
    pytest.param([row(STILL, "k1", 3, Verdict.ERROR)], [], [("error", False)], id="a take in error has no pixels to speak of"),
]


@pytest.mark.parametrize(("rows", "decisions", "expected"), CASES)
def test_takes_as_people_decided(rows, decisions, expected):
    by = read(review("a", EARLY, *decisions))
    assert shown(judged(rows, by)) == expected
    assert judged(judged(rows, by), by) == judged(rows, by)


def test_where_a_review_may_be_unreadable_nothing_is_taken_back():
    assert judged([APPROVED], read(unsure=frozenset({"p"}))) == [APPROVED]
    assert shown(judged([APPROVED], read(unsure=frozenset({"q"})))) == [("passed", False)]
    assert shown(judged([FIRST], read(review("a", EARLY, take("reject")), unsure=frozenset({"p"})))) == [("failed", False)]


@pytest.mark.parametrize(
    ("rows", "decisions", "decided"),
    [
        pytest.param([FIRST], [], [True], id="a take that passed decides its key"),
        pytest.param([FIRST], [take("reject")], [False], id="rejected, it does not"),
        pytest.param([FIRST, SECOND._replace(decided=True)], [take("reject")], [False, False], id="nor do those that were made after it"),
        pytest.param([FIRST, row(STILL, "k1", 2)], [take("reject")], [True, True], id="but for another that passed"),
        pytest.param([FIRST, OTHER_KEY], [take("reject")], [False, True], id="another picture is another matter"),
    ],
)
def test_a_rejected_take_leaves_its_key_open(rows, decisions, decided):
    assert [one.decided for one in as_planned(rows, read(review("a", EARLY, *decisions)))] == decided


RULE = Rule("sharpness", Op.AT_LEAST, 10)
PASSED = judge([Measurement("sharpness", "1", "", 20)], [RULE])
UNMEASURED = judge([], [Rule("dynamic-degree", Op.AT_LEAST, 0.25)])
BROKEN = judge([Measurement("aesthetic", "1", "", None, "the model is another file", failed=True)], [Rule("aesthetic", Op.AT_LEAST, 5.5)])
REJECTION = read(review("a", EARLY, take("reject", comment="not his coat"), by="Mina")).word(ID, FIRST.content_digest)
REJECTED = with_word(PASSED, REJECTION)


def test_a_rejection_is_one_more_check_that_failed():
    assert REJECTED is not None
    assert REJECTED.verdict is Verdict.FAILED
    assert REJECTED.checks[0] == PASSED.checks[0]
    assert REJECTED.checks[1].message == "rejected by Mina: not his coat"
    assert REJECTED.checks[1].rule.source == "projects/p/reviews/a.yaml decisions.0"


@pytest.mark.parametrize(
    ("gate", "said", "verdict"),
    [
        pytest.param(REJECTED, "", Verdict.PASSED, id="taken back, the gate counts again"),
        pytest.param(REJECTED, "approve", Verdict.PASSED, id="an approval takes it back"),
        pytest.param(REJECTED, "reject", Verdict.FAILED, id="said twice is said once"),
        pytest.param(None, "reject", Verdict.FAILED, id="a take that was never judged can be rejected"),
        pytest.param(UNMEASURED, "reject", Verdict.FAILED, id="what nobody could measure can be rejected"),
        pytest.param(BROKEN, "reject", Verdict.FAILED, id="and so can what a metric broke on"),
        pytest.param(with_word(BROKEN, REJECTION), "", Verdict.ERROR, id="which then counts again as it was"),
        pytest.param(
            with_word(None, read(review("a", "", take("reject"))).word(ID, FIRST.content_digest)), "", None, id="and is unjudged again"
        ),
        pytest.param(None, "", None, id="nothing said, nothing there"),
        pytest.param(GateResult(Verdict.PASSED, ()), "", Verdict.PASSED, id="a gate without rules stays"),
    ],
)
def test_a_word_and_a_gate_result(gate, said, verdict):
    found = with_word(gate, read(review("a", "", take(said))).word(ID, FIRST.content_digest) if said else None)
    assert (found.verdict if found else None) == verdict
    assert found is None or sum(check.rule.metric == "review" for check in found.checks) == (said == "reject")


def test_judged_again_a_take_stays_rejected():
    fresh = judge([Measurement("sharpness", "1", "", 30)], [RULE])
    found = kept_word(fresh, REJECTED)
    word = REJECTED.checks[1]
    assert found == replace(fresh, verdict=Verdict.FAILED, checks=(*fresh.checks, word), stage="floor", reason=word.message)
    assert kept_word(UNMEASURED, REJECTED).verdict is Verdict.FAILED
    assert kept_word(fresh, PASSED) == fresh
    assert kept_word(None, REJECTED) is None


def test_a_decision_about_a_take_that_is_gone_is_a_warning_at_its_place():
    by = read(review("a", EARLY, take("approve"), take("reject", content=hexed("gone"))))
    (found,) = missing_takes([FIRST], by, place)
    assert (found.code, found.severity, found.path) == ("missing-take", "warning", "decisions.1.content")
    assert hexed("gone")[:12] in found.message
    assert f"koma explain {ID}" in found.hint


every = st.lists(
    st.builds(
        lambda name, at, decisions: review(name, at, *decisions),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["", EARLY, LATE]),
        st.lists(
            st.one_of(
                st.builds(take, st.sampled_from(["approve", "reject", "retake"]), st.sampled_from([FIRST, SECOND, OTHER_KEY])),
                st.builds(phase, st.sampled_from(["approve", "reject"])),
                st.just(hold()),
            ),
            max_size=3,
        ),
    ),
    max_size=4,
    unique_by=lambda one: one.id,
)


@given(every, st.randoms(use_true_random=False))
def test_the_order_in_which_documents_are_read_says_nothing(docs, random):
    shuffled = [*docs]
    random.shuffle(shuffled)
    one, other = read(*docs), read(*shuffled)
    assert (one.takes, one.phases, one.held, set(one.problems)) == (other.takes, other.phases, other.held, set(other.problems))


@given(every)
def test_at_most_one_take_of_a_key_is_approved(docs):
    found = judged([FIRST, SECOND, OTHER_KEY], read(*docs))
    assert sum(one.approved for one in found if one.render_key == "k1") <= 1


@given(st.lists(every, min_size=1, max_size=3).map(lambda lists: [doc for docs in lists for doc in docs]))
def test_documents_with_times_never_disagree(docs):
    dated = [one._replace(data={**one.data, "at": one.data.get("at", EARLY)}) for one in docs]
    assert read(*dated).problems == ()


HEAD = "kind: review\nid: a\ndecisions:\n"
DIGEST = "a" * 64
MISTAKES = {
    "about nothing": ("  - {decision: approve}\n", "bad-subject", "`target` or `phase`"),
    "about two things": ("  - {target: s01/sh010/still, phase: still, decision: approve}\n", "bad-subject", "not both"),
    "a scope for a target": (
        f"  - {{target: s01/a/still, content: {DIGEST}, scope: s01, decision: approve}}\n",
        "bad-subject",
        "remove it",
    ),
    "a take without its pixels": (
        "  - {target: s01/a/still, take: 1, decision: approve}\n",
        "missing-field",
        "koma review approve s01/a/still",
    ),
    "pixels of a phase": (f"  - {{phase: still, content: {DIGEST}, decision: approve}}\n", "bad-subject", "remove it"),
    "a retake of a phase": ("  - {phase: still, decision: retake}\n", "bad-subject", "`approve` or `reject`"),
    "a content that is no digest": ("  - {target: s01/a/still, content: abc, decision: reject}\n", "bad-text", "64 digits"),
    "a time that is no time": ("  []\nat: yesterday\n", "bad-text", "date and time in UTC"),
}


@pytest.mark.parametrize(("text", "code", "help_"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_in_a_review_are_explained(text, code, help_):
    (problem,) = parse_document(HEAD + text, "r.yaml").problems
    assert problem.code == code
    assert help_ in f"{problem.expected} {problem.hint}"


def test_a_hold_needs_no_take():
    assert parse_document(HEAD + "  - {target: s01/sh010/still, decision: hold}\n", "r.yaml").problems == ()
