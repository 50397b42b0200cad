"""Some of the bad pictures and clips, and whether one that gets through would be noticed."""

from faults.bad_media import objections, rows
from koma.pixels.decoder import Decoder
from support.hostile_media import made


def test_bad_files_are_refused_in_words_and_the_next_one_is_read():
    (row,) = rows(0.2)
    assert row.holds, row


def test_there_are_as_many_as_the_table_says():
    assert len(list(made())) >= 200


class Trusting(Decoder):
    """Believes every file."""

    def look(self, file):
        return "0" * 64, 1, 1

    def prove(self, file):
        return 1


def test_a_file_that_gets_through_would_be_noticed(tmp_path):
    assert len(list(objections(Trusting(), tmp_path / "a.png", tmp_path / "b.png"))) == 2
