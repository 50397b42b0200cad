"""Rendering: values enter a graph only as JSON, and a template can do nothing but write a graph."""

import json
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.graph import parse_graph
from koma.core.problem import Problem
from koma.templating.jinja import LOOP_LIMIT, OUTPUT_LIMIT, JinjaRenderer

FILE = "templates/x/graph.json.j2"
RENDERER = JinjaRenderer()


def render(text: str, **values):
    (result,) = RENDERER.render(FILE, text, [values])
    return result


def failure(text: str, **values) -> Problem:
    result = render(text, **values)
    assert isinstance(result, Problem), result
    assert result.place.file == FILE
    return result


class Word(StrEnum):
    HEAVY = "heavy"


VALUES = {
    "a text has its quotes": ("rain", '"rain"'),
    "quotes, backslashes and line ends are escaped": ('"\\\n', '"\\"\\\\\\n"'),
    "other scripts stay readable for every reader of JSON": ("コマ", '"\\u30b3\\u30de"'),
    "half of a pair does not break the text": ("\ud800", '"\\ud800"'),
    "a word from a closed list is a text": (Word.HEAVY, '"heavy"'),
    "whole numbers keep all their digits": (2**64 - 1, "18446744073709551615"),
    "numbers keep their fraction": (7.0, "7.0"),
    "true is no number": (True, "true"),
    "nothing is null": (None, "null"),
    "lists and objects are JSON": ([{"a": [1, None]}], '[{"a":[1,null]}]'),
}


@pytest.mark.parametrize(("value", "text"), VALUES.values(), ids=VALUES)
def test_a_value_is_put_out_as_json(value, text):
    assert render("{{ x }}", x=value) == text
    assert render("{{ x | tojson }}", x=value) == text
    assert render("{% set y = x | tojson %}{{ y }}", x=value) == text


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), {1, 2}, {"a": float("nan")}],
    ids=["not a number", "infinity", "an object", "a set", "not a number inside"],
)
def test_what_json_has_no_form_for_is_a_problem(value):
    assert failure("\n{{ x }}", x=value).place.line == 2


WORDS = {
    "constants are JSON too": ('{{ "a" }}', '"a"'),
    "texts are joined inside the tag": ('{{ "lora" + (n | string) }}', '"lora3"'),
    "a list of texts is joined with a text between": ('{{ ["a", "b"] | join(", ") }}', '"a, b"'),
    "numbers are reckoned with": ("{{ (n * 2 - 1) / 2 }}", "2.5"),
    "numbers are rounded": ("{{ 23.976 | round | int }}", "24"),
    "a key of an object is read with a dot": ("{{ who.name }}", '"aki"'),
    "a key that is named like a method is still a key": ("{{ who.items }}", '"lantern"'),
    "an item of a list is read by number": ("{{ names[-1] }}", '"b"'),
    "a condition chooses": ("{% if n > 2 %}1{% else %}2{% endif %}", "1"),
    "a condition chooses inside a tag": ("{{ [who.name, 0] if names else none }}", '["aki",0]'),
    "a loop knows where it is": ("[{% for x in names %}{{ loop.index0 }}{{ [] if loop.last else 1 }},{% endfor %}]", "[01,1[],]"),
    "a loop counts": ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
    "comments leave no trace": ("{# a #}1", "1"),
}


@pytest.mark.parametrize(("text", "expected"), WORDS.values(), ids=WORDS)
def test_what_a_template_can_say(text, expected):
    assert render(text, n=3, who={"name": "aki", "items": "lantern"}, names=["a", "b"]) == expected


def test_a_name_that_nothing_gives_is_a_problem_with_its_line_and_the_closest_name():
    problem = failure("{\n\n{{ promt }}", prompt="rain", seed=1)
    assert (problem.code, problem.place.line) == ("template-undefined", 3)
    assert "'promt'" in problem.message
    assert "prompt" in problem.hint
    assert "seed" in problem.expected


def test_a_name_that_nothing_gives_is_found_in_a_branch_that_is_not_taken():
    assert failure("{% if false %}{{ promt }}{% endif %}", prompt="").code == "template-undefined"


def test_a_key_that_is_not_there_is_a_problem_with_its_line_and_the_closest_key():
    problem = failure("{% for lora in loras %}\n{{ lora.nam }}{% endfor %}", loras=[{"name": "a"}])
    assert (problem.code, problem.place.line) == ("template-error", 2)
    assert "name" in problem.hint


def test_what_a_template_reads_is_told_with_lines():
    assert RENDERER.names(FILE, "{{ b }}\n{% for x in a %}{{ x }}{{ loop.index }}{{ b }}{% endfor %}{% set c = 1 %}{{ c }}") == {
        "b": 1,
        "a": 2,
    }


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ x.__class__.__mro__ }}",
    "{{ x['__class__'] }}",
    "{{ [].append(1) }}",
    "{{ who.update({'a': 1}) }}",
    "{{ x.format(x) }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ x | attr('__class__') }}",
    "{{ [x] | map(attribute='__class__') | list }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__ }}",
    "{{ self.__init__ }}",
    "{{ namespace() }}",
    "{{ dict(a=1) }}",
    "{{ range.__self__ }}",
    "{{ loop.__class__ }}",
    "{% for a in [1] %}{{ loop.__class__ }}{{ loop._iterable }}{% endfor %}",
    "{% for a in [1] %}{{ loop.cycle(1) }}{% endfor %}",
    "{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}",
    "{% include 'a' %}",
    "{% import 'a' as b %}",
    "{% extends 'a' %}",
    "{% macro a() %}{% endmacro %}{{ a() }}",
    "{% block a %}{% endblock %}",
    "{% call x() %}{% endcall %}",
    "{% filter upper %}a{% endfilter %}",
    "{% set a %}{{ x }}{% endset %}",
    "{{ x ~ x }}",
    "{{ '%s' % x }}",
    "{{ (lambda: 1)() }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_there_is_no_way_out_of_the_template(text):
    problem = failure(text, x="text", who={}, lipsum={}, cycler={}, loop={})
    assert problem.code in {"template-language", "template-syntax", "template-undefined", "template-error"}


FLOODS = [
    "{{ 'a' * 2000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ '%2000000000d' % 1 }}",
    "{{ 'a'.center(2000000000) }}",
    "{{ 'a' | center(2000000000) }}",
    "{% for a in range(100000000) %}{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "{% for a in range(9999) %}{{ big }}{% endfor %}",
    "{% set a = big + big %}{% set b = a + a %}{% set c = b + b %}{% set d = c + c %}{{ d + d | length }}",
    "{{ [big, big, big] | join(big) | length }}{{ [big, big, big, big, big, big, big, big, big, big, big] | join(big) | length }}",
    "{% set a = 1000000000000000 %}{% set b = a * a %}{% set c = b * b %}{{ c }}",
    "{{ range(99999999999999) | length }}",
]


@pytest.mark.parametrize("text", FLOODS)
def test_a_template_can_not_eat_the_machine(text):
    failure(text, big="x" * 100_000)


def test_the_output_has_a_limit():
    assert isinstance(render("{{ x }}", x="a" * (OUTPUT_LIMIT - 2)), str)
    assert failure("{{ x }}", x="a" * OUTPUT_LIMIT).code == "template-output"


def test_each_rendering_has_all_its_turns():
    text = f"{{% for a in range({LOOP_LIMIT}) %}}{{% endfor %}}1"
    assert RENDERER.render(FILE, text, [{}, {}]) == ["1", "1"]


QUOTES = {
    "a tag inside of a string": '{\n"text": "in {{ x }}"}',
    "a tag that is all of a string": '{\n"text": "{{ x }}"}',
    "a condition inside of a string": '{\n"text": "a{% if x %}b{% endif %}"}',
}


@pytest.mark.parametrize("text", QUOTES.values(), ids=QUOTES)
def test_a_string_that_is_open_at_a_tag_is_a_problem_that_shows_how_to_write_it(text):
    problem = failure(text, x="rain")
    assert (problem.code, problem.place.line) == ("template-quotes", 2)
    assert '"text": {{ prompt }}' in problem.hint


MISTAKES = {
    "a tag that is not closed": ("{\n{% if x %}", "template-syntax", 2),
    "an unknown tag": ("\n\n{% nonsense %}", "template-syntax", 3),
    "an unknown filter": ("\n{{ x | center }}", "template-syntax", 2),
    "an unknown test": ("\n{{ x is callable }}", "template-syntax", 2),
    "a text minus a text": ("\n{{ x - x }}", "template-error", 2),
    "a division by nothing": ("\n{{ 1 / 0 }}", "template-error", 2),
    "a loop over a number": ("\n{% for a in 1 %}{% endfor %}", "template-error", 2),
    "a choice without another": ("\n{{ 1 if false }}", "template-error", 2),
    "a name from a branch that was not taken": ("\n{% if false %}{% set a = 1 %}{% endif %}{{ a }}", "template-error", 2),
}


@pytest.mark.parametrize(("text", "code", "line"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_a_problem_at_its_line(text, code, line):
    problem = failure(text, x="rain")
    assert (problem.code, problem.place.line) == (code, line)


def test_one_set_that_fails_holds_no_other():
    first, second, third = RENDERER.render(FILE, "{{ x.a }}", [{"x": {"a": 1}}, {"x": {}}, {"x": {"a": 3}}])
    assert (first, third) == ("1", "3")
    assert isinstance(second, Problem)


def test_rendering_changes_nothing_that_was_given():
    values = {"x": [1, {"a": 2}]}
    before = json.dumps(values)
    render("{% set x = x + [3] %}{{ x }}", **values)
    assert json.dumps(values) == before


def test_the_same_broken_text_in_two_templates_is_reported_under_both_names():
    problems = [JinjaRenderer().render(name, "{% if %}", [{}])[0] for name in ("a", "b")]
    assert [problem.place.file for problem in problems] == ["a", "b"]
    renderer = JinjaRenderer()
    assert [renderer.render(name, "{% if %}", [{}])[0].place.file for name in ("a", "b")] == ["a", "b"]


GRAPH = """{
  "a": {"class_type": "CLIPTextEncode", "inputs": {"text": {{ prompt }}, "n": {{ number }}}},
{% for lora in loras %}
  {{ "lora" + (loop.index | string) }}: {"class_type": "LoraLoader", "inputs": {"lora_name": {{ lora.name }}}},
{% endfor %}
  "b": {"class_type": "SaveImage", "inputs": {}}
}"""
hostile = st.text() | st.sampled_from(
    ['"', "\\", '"}}, "z": {', "}{", "{{ x }}", "{% for %}", "\n", "\u2028", "\x00", '\\"', "</script>", "'"]
)
texts = st.lists(hostile, max_size=5).map("".join)


@given(texts, texts, st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_no_text_changes_the_nodes_of_a_graph_or_its_own_meaning(prompt, name, number):
    result = render(GRAPH, prompt=prompt, number=number, loras=[{"name": name}, {"name": prompt}])
    assert parse_graph(result, FILE) == {
        "a": {"class_type": "CLIPTextEncode", "inputs": {"text": prompt, "n": number}},
        "lora1": {"class_type": "LoraLoader", "inputs": {"lora_name": name}},
        "lora2": {"class_type": "LoraLoader", "inputs": {"lora_name": prompt}},
        "b": {"class_type": "SaveImage", "inputs": {}},
    }


@given(st.text(alphabet='{}%"\\ ax\n[]:,', max_size=40), texts)
def test_whatever_the_template_says_the_answer_is_a_text_or_a_problem(text, value):
    assert isinstance(render(text, x=value), str | Problem)
