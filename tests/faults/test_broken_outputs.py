"""A few cuts and flips of every format, and whether a fetch that believes too much would be noticed."""

from faults import broken_outputs
from koma.backends.comfyui import fetching


def test_no_broken_output_is_taken_for_what_was_drawn():
    for row in broken_outputs.measure(0.02):
        assert row.holds, row


def test_a_fetch_that_believes_the_first_download_would_be_noticed(monkeypatch):
    monkeypatch.setattr(fetching, "has_checksums", lambda _file: True)
    monkeypatch.setattr(broken_outputs, "FORMATS", {name: broken_outputs.FORMATS[name] for name in ("WebP", "JPEG")})
    _, on_the_way, _ = broken_outputs.measure(0.1, prove=lambda _file: 1)
    assert not on_the_way.good
