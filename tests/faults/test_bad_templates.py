"""A few of the bad templates, and whether a renderer that lets something through would be noticed."""

from faults.bad_templates import Case, cases, objections, rows
from koma.templating.confined import ConfinedRenderer


def test_bad_templates_are_refused_with_their_places_and_the_next_one_goes_on():
    (row,) = rows(0.06)
    assert row.holds, row


def test_there_are_as_many_as_the_table_says():
    assert len(cases()) >= 150
    assert len({(case.text, str(case.values)) for case in cases()}) == len(cases())


class Open(ConfinedRenderer):
    """Renders whatever it is given to a graph of its own."""

    def render(self, template, text, batch):
        return ['{"99": {"class_type": "SaveImage", "inputs": {}}}'] * len(batch)


def test_a_template_that_gets_through_would_be_noticed():
    assert any("it was rendered" in found for found in objections(Case("escape", "{{ x.y }}"), Open()))
    assert any("words changed" in found for found in objections(cases()[-1], Open()))
