"""Times of files after the machine's clock was set: nothing looks older than it is, so nothing is cleared away too early."""

import os
from types import SimpleNamespace

import pytest

from koma.app.workspace import App
from koma.engine.garbage import DAY, outlived, unmarked
from support.workspaces import ANIMATIC_CONFIG, story

NOW = 1_800_000_000.0
YEAR = 365 * DAY


@pytest.mark.parametrize("jump", [-YEAR, -3600.0, 0.0, 3600.0, YEAR])
def test_files_are_compared_with_the_earlier_of_both_clocks(tmp_path, jump):
    story(tmp_path, ANIMATIC_CONFIG)
    with App.open(tmp_path) as app:
        app.__dict__["clock"] = SimpleNamespace(now=lambda: NOW)
        app.__dict__["wall"] = SimpleNamespace(now=lambda: NOW + jump)
        assert app.disk_time == min(NOW, NOW + jump)


def test_what_is_dated_in_the_future_is_never_too_old(tmp_path):
    digest = "ab" * 32
    file = tmp_path / digest[:2] / f"{digest[2:]}.png"
    file.parent.mkdir()
    file.write_bytes(b"x")
    os.utime(file, (NOW * 2, NOW * 2))
    assert unmarked(tmp_path, set(), NOW, whys={}) == []
    assert outlived(tmp_path, NOW, DAY) == []
