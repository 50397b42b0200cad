"""Pages of characters: escaped, standing alone, readable on a phone and in the dark."""

import re
from html.parser import HTMLParser

import pytest

from koma.templating.pages import render_page

NASTY = '<script>alert("x")</script>&\'"'
VOID = {"meta", "img", "br"}


def output(what="still", verdict="passed"):
    return {"what": what, "verdict": verdict, "file": f"../../s01/sh010/{what}.png", "image": f"../../s01/sh010/{what}.jpg"}


def version(**changes):
    made = {
        "id": "child",
        "about": [("age", "8")],
        "pictures": [
            {"path": "projects/p/references/aki/a.png", "shows": "", "size": "640 x 640 px", "small": "data:image/jpeg;base64,AA=="}
        ],
        "refused": [{"path": "projects/p/references/aki/b.png", "reason": "small", "why": "it is 9 x 9 px", "listed": "", "shows": ""}],
        "palette": {
            "slots": {"hair": {"colour": "#101010", "lab": [5, 0, 0], "nearest": "#111111", "difference": 0.4}},
            "measured": [{"colour": "#111111", "lab": [5, 0, 0], "share": 0.61}],
        },
        "style": {"contrast": {"value": 0.2, "unit": "0..1", "definition": "how much"}},
        "learned": [
            {"name": "faces", "value": "", "about": "no detector"},
            {"name": "embeddings", "value": "of the face, from 2 pictures", "about": "no model"},
        ],
        "sheet": {
            "poses": [
                {"pose": "front", "verdict": "passed", "file": "../../characters/aki/child/front.png", "image": "../../x.jpg"},
                {"pose": "side", "verdict": "not made yet", "file": "", "image": ""},
            ],
            "passed": 1,
            "of": 2,
        },
        "digest": "0123456789abcdef0000",
    }
    return {**made, **changes}


def facts(**changes):
    made = {
        "project": {"id": "p", "title": "Lantern Street"},
        "id": "aki",
        "name": "Aki",
        "about": [("role", "courier")],
        "versions": [version()],
        "shots": [
            {"address": "s01/sh010", "title": "Rain", "version": "child", "outfit": "", "outputs": [output(), output("video", "failed")]}
        ],
    }
    return {**made, **changes}


LIST = {
    "project": {"id": "p", "title": NASTY},
    "characters": [
        {"id": "aki", "name": NASTY, "small": "", "versions": ["child"], "used": 1, "refused": 2, "passed": 3, "of": 8, "shots": 4}
    ],
}
NASTY_FACTS = facts(
    name=NASTY,
    about=[(NASTY, NASTY)],
    project={"id": "p", "title": NASTY},
    versions=[
        version(
            about=[("age", NASTY)],
            pictures=[{"path": NASTY, "shows": NASTY, "size": NASTY, "small": ""}],
            refused=[{"path": NASTY, "why": NASTY, "listed": NASTY}],
        )
    ],
    shots=[{"address": "s01/sh010", "title": NASTY, "version": NASTY, "outfit": NASTY, "outputs": []}],
)
PAGES = {
    "a character": ("character", facts()),
    "a character of nasty words": ("character", NASTY_FACTS),
    "a character that nothing is known of": (
        "character",
        facts(about=[], shots=[], versions=[version(pictures=[], refused=[], sheet=None, style={}, palette={"slots": {}, "measured": []})]),
    ),
    "the list": ("characters", LIST),
    "an empty list": ("characters", {**LIST, "characters": []}),
}


class Reader(HTMLParser):
    """Reads a page: open elements must be closed in order; links and sources are collected."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(("name", "shown"), PAGES.values(), ids=PAGES.keys())
def test_a_page_is_sound_and_stands_alone(name, shown):
    text = render_page(name, shown)
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.tags.isdisjoint({"script", "link", "iframe", "object"})
    assert all(link.startswith(("../", "aki/", "child/", "data:image/")) for link in reader.links)
    assert "<script" not in text
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text


def test_words_from_documents_are_escaped():
    text = render_page("character", NASTY_FACTS)
    assert text.count("&lt;script&gt;") == 16
    assert render_page("characters", LIST).count("&lt;script&gt;") == 3


SHOWN = [
    "Sheet: 1 of 2 poses passed",
    '<span class="passed">passed</span>',
    '<span class="wait">not made yet</span>',
    "projects/p/references/aki/b.png",
    "it is 9 x 9 px",
    "background: #101010",
    "0.4 from the pictures&#39; #111111".replace("&#39;", "'"),
    "61 %",
    "no detector",
    '<a href="../../s01/sh010/video.png">video</a> <span class="failed">failed</span>',
    '<a href="child/identity.json">record</a>',
]


@pytest.mark.parametrize("words", SHOWN)
def test_a_page_shows_what_is_known(words):
    assert words in re.sub(r"\s+", " ", render_page("character", facts()))


def test_a_fact_that_is_missing_is_a_bug_and_no_blank():
    with pytest.raises(Exception, match="versions"):
        render_page("character", {"name": "Aki", "project": {"title": "x"}, "about": []})
