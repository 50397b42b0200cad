"""What holds of every plan: carried out, it comes to an end; an edit touches what reads it and nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.choose import choose, is_good
from koma.core.plan import plan
from koma.core.words import ActionKind, Reason, Verdict
from support.worlds import Shelf, but, hexed, published, row, target

PASSES = 40  # more than any of these small worlds needs
verdicts = st.sampled_from([Verdict.PASSED, Verdict.FAILED, Verdict.UNMEASURED, Verdict.ERROR])


@st.composite
def worlds(draw):
    """Up to four shots with a still; some have a video that reads it, or one that only needs it."""
    targets = []
    for number in range(draw(st.integers(1, 4))):
        limits = {"takes_wanted": draw(st.integers(1, 2)), "takes_limit": draw(st.integers(1, 3))}
        still = target(f"sh{number:03d}/still", **limits)
        targets.append(still)
        match draw(st.sampled_from(["none", "reads", "needs"])):
            case "reads":
                targets.append(target(f"sh{number:03d}/video", **limits))
            case "needs":
                targets.append(target(f"sh{number:03d}/video", reads=(), **limits))
    return targets


class Studio:
    """Carries out plans: every render ends with the verdict that was drawn for its key and take number."""

    def __init__(self, outcomes=None):
        self.shelf = Shelf()
        self.outcomes = outcomes or (lambda _key, _number: Verdict.PASSED)
        self.rendered = []
        self.shown = []

    def settle(self, targets):
        for _ in range(PASSES):
            planned = plan(targets, self.shelf.observed())
            doing = [
                action for action in planned.actions if action.action is not ActionKind.HOLD and action.certain and not action.waits_for
            ]
            if not doing:
                return planned
            for action in doing:
                self.carry_out(action)
        raise AssertionError(f"no end after {PASSES} passes: {planned.actions}")

    def carry_out(self, action):
        if action.action is ActionKind.RETIRE:
            del self.shelf.published[action.target_id]
            return
        if action.action is ActionKind.RENDER:
            self.render(action)
            self.shelf.flags.pop(f"retry:{action.target_id}:final", None)
        self.judge(action)
        self.publish(action)

    def render(self, action):
        verdict = self.outcomes(action.key, action.take_number)
        self.rendered.append((action.target_id, action.key, action.take_number))
        self.shelf.takes = [one for one in self.shelf.takes if not self.same(one, action) or one.number != action.take_number]
        self.shelf.takes.append(row(action.target, action.key, action.take_number, verdict))

    def judge(self, action):
        takes = [one for one in self.shelf.takes if self.same(one, action)]
        decided = any(is_good(one) or one.decided for one in takes)
        fresh = {"decided": decided}
        if action.action is not ActionKind.RENDER:
            fresh |= {"measure_key": action.target.measure_key, "rules_digest": action.target.rules_digest}
        self.shelf.takes = [one._replace(**fresh) if self.same(one, action) else one for one in self.shelf.takes]

    def same(self, one, action):
        return (one.target, one.render_key) == (action.target_id, action.key)

    def publish(self, action):
        there = self.shelf.published.get(action.target_id)
        takes = [one for one in self.shelf.takes if self.same(one, action)]
        passed = there is not None and (there.verdict == Verdict.PASSED or there.decided)
        wanted = choose(takes, action.target.takes_wanted, action.target.takes_limit, there, published_passed=passed).take_key
        chosen = next((one for one in takes if one.take_key == wanted), None)
        if chosen is not None:
            self.shelf.published[action.target_id] = published(action.target, chosen)
            self.shown.append((action.target_id, chosen))
        elif there is not None and there.render_key == action.key:
            mine = next(one for one in takes if one.take_key == there.take_key)
            self.shelf.published[action.target_id] = published(action.target, mine)


def drawn_outcomes(data):
    """A verdict for every key and number, drawn when it is first asked for."""
    known = {}

    def outcome(key, number):
        if (key, number) not in known:
            known[key, number] = data.draw(verdicts, label=f"take {number}")
        return known[key, number]

    return outcome


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(targets):
    studio = Studio()
    studio.settle(targets)
    done = plan(targets, studio.shelf.observed())
    assert done.actions == []
    assert sorted(done.kept) == sorted(one.id for one in targets)


@given(worlds(), st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_fails_it_comes_to_an_end_and_only_people_are_waited_for(targets, data):
    studio = Studio(drawn_outcomes(data))
    left = studio.settle(targets)
    assert {action.reason for action in left.actions} <= {Reason.GATE_FAILED, Reason.UNMEASURED, Reason.RENDER_FAILED, Reason.WAITING}
    assert len(studio.rendered) == len(set(studio.rendered)), "no take is made twice"


@given(worlds(), st.data())
@settings(max_examples=60, deadline=None)
def test_no_more_takes_than_allowed_are_made_of_one_wish(targets, data):
    studio = Studio(drawn_outcomes(data))
    studio.settle(targets)
    for one in targets:
        takes = [take for take in studio.shelf.takes if take.target == one.id]
        assert len(takes) <= max(one.takes_wanted, one.takes_limit)


@given(worlds(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_failed_take_never_replaces_one_that_passed(targets, data):
    studio = Studio(drawn_outcomes(data))
    for version in ("first", "second"):
        wished = [but(one, base_key=hexed(f"{version} {one.id}")) for one in targets]
        studio.settle(wished)
    passed = set()
    for target_id, take in studio.shown:
        assert is_good(take) or target_id not in passed
        passed |= {target_id} if is_good(take) else set()


@given(worlds(), st.data())
@settings(max_examples=60, deadline=None)
def test_an_edit_touches_its_target_and_what_reads_it_and_nothing_else(targets, data):
    studio = Studio()
    studio.settle(targets)
    edited = data.draw(st.sampled_from(targets))
    wished = [but(one, base_key=hexed("edited")) if one.id == edited.id else one for one in targets]
    planned = plan(wished, studio.shelf.observed())
    touched = {action.target_id: action.reason for action in planned.actions}
    followers = {one.id for one in targets if any(upstream == edited.id for _, upstream, _ in one.reads)}
    assert touched == {edited.id: Reason.CHANGED, **dict.fromkeys(followers, Reason.UPSTREAM)}


@given(worlds(), st.data())
@settings(max_examples=40, deadline=None)
def test_going_back_renders_nothing(targets, data):
    studio = Studio()
    studio.settle(targets)
    edited = data.draw(st.sampled_from(targets))
    studio.settle([but(one, base_key=hexed("edited")) if one.id == edited.id else one for one in targets])
    before = len(studio.rendered)
    planned = plan(targets, studio.shelf.observed())
    assert {action.action for action in planned.actions} == {ActionKind.RESTORE}
    studio.settle(targets)
    assert len(studio.rendered) == before
    assert plan(targets, studio.shelf.observed()).actions == []


@given(worlds(), st.data())
@settings(max_examples=40, deadline=None)
def test_other_rules_and_metrics_never_render(targets, data):
    studio = Studio(drawn_outcomes(data))
    studio.settle(targets)
    before = len(studio.rendered)
    good = [one for one in targets if one.id in studio.shelf.published and studio.shelf.published[one.id].verdict == Verdict.PASSED]
    changes = {"measure_key": "m2"} if data.draw(st.booleans()) else {"rules_digest": "r2"}
    wished = [but(one, **changes) if one in good else one for one in targets]
    first = plan(wished, studio.shelf.observed())
    assert all(action.action in {ActionKind.MEASURE, ActionKind.GATE, ActionKind.HOLD} for action in first.actions)
    studio.settle(wished)
    assert len(studio.rendered) == before


@given(worlds(), st.data())
@settings(max_examples=30, deadline=None)
def test_the_order_in_which_a_store_gives_its_rows_changes_nothing(targets, data):
    studio = Studio(drawn_outcomes(data))
    studio.settle(targets)
    wished = [but(one, rules_digest="r2", takes_limit=3) for one in targets]
    one_way = plan(wished, studio.shelf.observed())
    studio.shelf.published = dict(reversed(studio.shelf.published.items()))
    other_way = plan(wished, studio.shelf.observed())
    assert one_way == other_way


@given(worlds())
@settings(max_examples=20, deadline=None)
def test_planning_changes_nothing_it_is_given(targets):
    studio = Studio()
    studio.settle(targets)
    before = ([*targets], [*studio.shelf.takes], {**studio.shelf.published})
    plan(targets, studio.shelf.observed())
    assert before == (targets, studio.shelf.takes, studio.shelf.published)


@given(worlds())
@settings(max_examples=30, deadline=None)
def test_renamed_targets_are_published_again_and_never_rendered(targets):
    studio = Studio()
    studio.settle(targets)

    def renamed(name):
        return name.replace("/s01/", "/s09/")

    moved = {renamed(one.id): one.id for one in targets}
    wished = [
        but(
            one,
            id=renamed(one.id),
            reads=tuple(read._replace(target=renamed(read.target)) for read in one.reads),
            needs=tuple(map(renamed, one.needs)),
        )
        for one in targets
    ]
    planned = plan(wished, studio.shelf.observed(), moved=moved)
    said = {action.target_id: (action.action, action.reason) for action in planned.actions}
    assert said == {
        **dict.fromkeys(moved, (ActionKind.PUBLISH, Reason.MOVED)),
        **dict.fromkeys(moved.values(), (ActionKind.RETIRE, Reason.MOVED)),
    }
