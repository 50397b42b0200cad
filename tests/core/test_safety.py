"""Plans that are too much at once are held, and the digest that releases one names exactly its work."""

import pytest

from koma.core.action import Action, Plan
from koma.core.safety import Limits, gpu_seconds, objections, plan_digest
from koma.core.words import ActionKind, Reason
from support.worlds import target


def retire(number):
    return [Action(f"p/s01/sh{n:03d}/still", ActionKind.RETIRE, Reason.REMOVED) for n in range(number)]


def render(number, seconds=60.0):
    kind, reason = ActionKind.RENDER, Reason.NEW
    return [
        Action(f"p/s01/sh{n:03d}/still", kind, reason, key=f"k{n}", take_number=1, p50_seconds=seconds, p90_seconds=2 * seconds)
        for n in range(number)
    ]


def plan(*actions):
    return Plan(list(actions), [])


@pytest.mark.parametrize(
    ("retired", "published", "held"),
    [
        pytest.param(0, 100, False, id="nothing retired"),
        pytest.param(9, 9, False, id="all of nine: too few to be an accident worth asking about"),
        pytest.param(10, 10, True, id="all of ten"),
        pytest.param(5, 10, False, id="exactly half"),
        pytest.param(6, 10, True, id="more than half"),
        pytest.param(50, 101, False, id="less than half of many"),
    ],
)
def test_a_plan_that_retires_is_held(retired, published, held):
    said = objections(plan(*retire(retired)), published, Limits())
    assert bool(said) is held
    assert all(f"retires {retired} of {published}" in line for line in said)


@pytest.mark.parametrize(
    ("limits", "held"),
    [
        pytest.param(Limits(retire_share=0.0), True, id="no share at all: any retirement is asked about"),
        pytest.param(Limits(retire_share=1.0), False, id="a share of all: none is"),
        pytest.param(Limits(retire_at_least=1000), False, id="a project below the floor"),
        pytest.param(Limits(retire_share=0.9, retire_at_least=1), False, id="a larger share"),
    ],
)
def test_the_limits_of_retiring_are_settings(limits, held):
    assert bool(objections(plan(*retire(60)), 100, limits)) is held


@pytest.mark.parametrize(
    ("minutes", "limit", "held"),
    [
        pytest.param(10, None, False, id="without a limit nothing is too much"),
        pytest.param(10, 10.0, False, id="exactly the limit"),
        pytest.param(11, 10.0, True, id="more than the limit"),
        pytest.param(1, 0.0, True, id="a limit of nothing holds every render"),
        pytest.param(0, 0.0, False, id="a limit of nothing lets a plan without renders go"),
    ],
)
def test_a_plan_that_spends_gpu_time_is_held(minutes, limit, held):
    said = objections(plan(*render(minutes)), 0, Limits(max_gpu_minutes=limit))
    assert bool(said) is held
    assert all("safety.max_gpu_minutes" in line for line in said)


def test_every_objection_is_said():
    assert len(objections(plan(*retire(60), *render(5)), 100, Limits(max_gpu_minutes=1))) == 2


def test_gpu_time_is_the_sum_over_all_actions():
    assert gpu_seconds(plan(*render(3), *retire(2))) == (180.0, 360.0)


def test_the_digest_of_a_plan_does_not_depend_on_order_time_or_what_stays():
    actions = [*render(4), *retire(2)]
    slower = [action._replace(p50_seconds=9.0, changed=(("seed", 1, 2),), message="x") for action in reversed(actions)]
    stays = Action("p/s01/sh099/still", ActionKind.HOLD, Reason.HELD_BY_SPEC)
    assert plan_digest(plan(*actions)) == plan_digest(plan(*slower, stays))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(render(3), id="one action less"),
        pytest.param(render(5), id="one action more"),
        pytest.param([*render(3), render(4)[3]._replace(key="other")], id="another picture of one target"),
        pytest.param([*render(3), render(4)[3]._replace(take_number=2)], id="another take"),
        pytest.param([*render(3), render(4)[3]._replace(action=ActionKind.RESTORE)], id="another action"),
    ],
)
def test_the_digest_of_a_plan_moves_with(other):
    assert plan_digest(plan(*other)) != plan_digest(plan(*render(4)))


def test_what_runs_already_is_no_part_of_what_is_allowed():
    running = render(1)[0]._replace(target_id="p/s01/sh900/still", reason=Reason.RUNNING)
    assert plan_digest(plan(*render(4), running)) == plan_digest(plan(*render(4)))


def test_several_takes_up_front_cost_as_many_renders():
    several = target(takes_wanted=3)
    first, second = (
        Action(several.id, ActionKind.RENDER, Reason.TAKES, several, key="k", take_number=n, p50_seconds=60, p90_seconds=90) for n in (1, 2)
    )
    assert gpu_seconds(plan(first)) == (180, 270)
    assert gpu_seconds(plan(second)) == (120, 180)


def test_a_rename_is_no_retirement():
    moved = [action._replace(reason=Reason.MOVED) for action in retire(100)]
    assert not objections(plan(*moved), 100, Limits())


@pytest.mark.parametrize(
    ("actions", "projects", "said"),
    [
        pytest.param(retire(4), {"p"}, [], id="a project that is there may lose a few"),
        pytest.param(retire(4), set(), ["project p is gone, with 4 targets published: is the disk there?"], id="a whole project is gone"),
        pytest.param(
            retire(1), set(), ["project p is gone, with 1 target published: is the disk there?"], id="however little it published"
        ),
        pytest.param(render(4), set(), [], id="a project that is only beginning"),
        pytest.param([action._replace(reason=Reason.MOVED) for action in retire(4)], set(), [], id="a project that has another name now"),
        pytest.param(
            [*retire(2), *(action._replace(target_id=f"q{action.target_id}") for action in retire(3))],
            {"p"},
            ["project qp is gone, with 3 targets published: is the disk there?"],
            id="only the one that is gone is named",
        ),
    ],
)
def test_a_project_that_is_gone_as_a_whole_is_asked_about(actions, projects, said):
    assert objections(plan(*actions), 5, Limits(), projects) == said
