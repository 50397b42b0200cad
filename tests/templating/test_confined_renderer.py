"""Templates rendered in a confined process: the same texts as in this one, and whatever a template asks for, the next one goes on."""

import os
import signal

import pytest

from koma.confined.process import Limits
from koma.core.problem import Problem
from koma.templating.confined import ConfinedRenderer
from koma.templating.jinja import JinjaRenderer

FILE = "templates/x/graph.json.j2"
DOUBLED = "{% set a = [1, 2] %}\n" + "{% set a = [a, a] %}\n" * 40
OTHER = "{% set b = [1, 2] %}\n" + "{% set b = [b, b] %}\n" * 40


@pytest.fixture(scope="module")
def renderer():
    made = ConfinedRenderer()
    yield made
    made.close()


@pytest.fixture
def fresh():
    made = ConfinedRenderer()
    yield made
    made.close()


@pytest.fixture
def cramped():
    made = ConfinedRenderer(Limits(memory=32 << 20, seconds=1, silence=20.0))
    yield made
    made.close()


def one(renderer, text, **values):
    (found,) = renderer.render(FILE, text, [values])
    return found


SAME = {
    "values of every kind": ("{{ x }}{{ y }}{{ z }}", {"x": [1, 2.5, None, True], "y": {"a": "コマ"}, "z": 'a "text"'}),
    "numbers as large as a seed": ("{{ x }}", {"x": 2**64 - 1}),
    "half of a pair": ("{{ x }}", {"x": "\ud800"}),
    "loops and conditions": ("{% for a in x %}{{ a.b if a.b > 1 else loop.index }}{% endfor %}", {"x": [{"b": 1}, {"b": 5}]}),
    "a name that nothing gives": ("\n{{ promt }}", {"prompt": 1}),
    "a key that is not there": ("\n{{ x.nam }}", {"x": {"name": 1}}),
    "a template that can't be read": ("{\n{% if x %}", {"x": 1}),
    "a value that JSON has no form for": ("\n{{ x }}", {"x": float("nan")}),
    "too many turns": ("\n{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", {}),
    "too long an answer": ("{% for a in range(9999) %}{{ x }}{% endfor %}", {"x": "a" * 1000}),
    "a hundred loops in each other": ("{% for a in x %}" * 100 + "1" + "{% endfor %}" * 100, {"x": [1]}),
}


@pytest.mark.parametrize(("text", "values"), SAME.values(), ids=SAME)
def test_a_text_or_problem_is_the_same_as_in_this_process(renderer, text, values):
    assert one(renderer, text, **values) == one(JinjaRenderer(), text, **values)


def test_a_batch_comes_back_in_its_order(renderer):
    batch = [{"x": number} for number in range(1000)]
    assert renderer.render(FILE, "{{ x }}", batch) == [str(number) for number in range(1000)]


def test_names_that_stand_alone_are_known(renderer):
    assert renderer.verbatim(FILE, "{{ a }}{{ b + 1 }}{{ c }}") == {"a", "c"}
    assert renderer.verbatim(FILE, "{% if %}") == frozenset()


BOMBS = {
    "a list doubled forty times": DOUBLED + "{{ a }}",
    "the same as a text": DOUBLED + "{{ a | string }}",
    "two such lists compared": DOUBLED + OTHER + "{{ a == b }}",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_a_problem_at_its_line_and_the_next_template_goes_on(renderer, text):
    problem = one(renderer, text)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.place.file, problem.place.line) == ("template-limit", FILE, text.count("\n") + 1)
    assert "it takes more" in problem.message
    assert problem.hint
    assert one(renderer, "{{ x }}", x=1) == "1"


def test_memory_beyond_the_limit_is_a_problem_at_its_line(cramped):
    many = "".join(f"{{% set y{number} = x + x %}}\n" for number in range(20))
    problem = one(cramped, many, x=[0] * 500_000)
    assert problem.code == "template-limit"
    assert 1 < problem.place.line < 20
    assert "more memory" in problem.message
    assert one(cramped, "{{ x }}", x=1) == "1"


def test_a_template_that_passed_its_limits_three_times_is_not_tried_any_more(fresh):
    text = "{% if x %}" + DOUBLED + "{{ a }}{% endif %}"
    fine, *bad = fresh.render(FILE, text, [{"x": 0}, *[{"x": 1}] * 50])
    assert fine == ""
    assert {problem.code for problem in bad} == {"template-limit"}
    assert ["not tried" in problem.message for problem in bad] == [False] * 3 + [True] * 47
    assert one(fresh, text, x=0).code == "template-limit"
    assert one(fresh, text + " ", x=0) == " "


def test_a_process_that_is_killed_once_from_outside_is_no_fault_of_the_template(fresh):
    assert one(fresh, "{{ x }}", x=1) == "1"
    os.kill(fresh.pid, signal.SIGKILL)
    assert one(fresh, "{{ x }}", x=2) == "2"


def test_a_process_that_can_not_be_started_is_said_to_be_the_machine(monkeypatch):
    monkeypatch.setattr("sys.executable", "/no/such/python")
    problem = one(ConfinedRenderer(), "{{ x }}", x=1)
    assert problem.code == "template-process"
    assert "No such file" in problem.message
    assert "machine" in problem.hint


def test_nothing_runs_before_there_is_something_to_render(fresh):
    assert fresh.pid is None


def test_a_closed_renderer_leaves_no_process_and_starts_another_when_it_is_needed(fresh):
    one(fresh, "{{ x }}", x=1)
    pid = fresh.pid
    fresh.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert one(fresh, "{{ x }}", x=1) == "1"
