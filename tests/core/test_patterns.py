"""Target patterns as commands take them."""

import pytest

from koma.core.patterns import any_of, matches

TARGET = "lantern-street/s01/sh010/still"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param(TARGET, True, id="the id itself"),
        pytest.param("lantern-street", True, id="the project"),
        pytest.param("lantern-street/s01", True, id="project and scene"),
        pytest.param("lantern-street/s01/", True, id="a slash at the end changes nothing"),
        pytest.param("s01/sh010", True, id="without the project"),
        pytest.param("s01/sh010/still", True, id="without the project, whole"),
        pytest.param("s01", True, id="a scene of whatever project"),
        pytest.param("*/still", True, id="every still"),
        pytest.param("s01/sh0?0/*", True, id="question marks stand for one character"),
        pytest.param("s0", False, id="half a word is no scene"),
        pytest.param("lantern", False, id="half a word is no project"),
        pytest.param("sh010", False, id="a shot without its scene"),
        pytest.param("s01/sh010/video", False, id="another phase"),
        pytest.param("S01", False, id="capitals count"),
        pytest.param("", False, id="nothing names nothing"),
        pytest.param("*/loop", False, id="every loop"),
    ],
)
def test_whether_a_pattern_names_this_target(pattern, expected):
    assert matches(pattern, TARGET) is expected


def test_several_patterns_name_what_any_of_them_names():
    named = any_of(["s02", "*/still"])
    assert named is not None
    assert [name for name in (TARGET, "p/s02/sh010/video", "p/s01/sh010/video") if named(name)] == [TARGET, "p/s02/sh010/video"]


def test_no_pattern_is_no_predicate():
    assert any_of([]) is None
