"""The event log: whole lines only, rotation by size, and a reader that follows."""

import json

import pytest

from koma.telemetry.eventlog import EventLog, Rotation, follow, history
from koma.telemetry.events import Event


def event(number: int, **fields) -> Event:
    return Event("progress", 1000.0 + number, {"number": number, **fields})


def write(path, *numbers, rotate_bytes=10_000, keep=5):
    log = EventLog(path, Rotation(rotate_bytes, keep))
    for number in numbers:
        log(event(number))
    log.close()


def numbers(records) -> list[int]:
    return [record["number"] for record in records]


def turns(*steps):
    """A `wait` that does one thing each time the reader has caught up, and then ends."""
    left = iter(steps)

    def wait() -> bool:
        step = next(left, None)
        if step is None:
            return False
        step()
        return True

    return wait


def test_a_line_is_json_with_a_format_version_name_and_time(tmp_path):
    write(tmp_path / "logs/events.jsonl", 1)
    (line,) = (tmp_path / "logs/events.jsonl").read_text().splitlines()
    assert json.loads(line) == {"format_version": 1, "event": "progress", "at": 1001.0, "number": 1}


def test_an_event_has_left_the_process_when_emit_returns(tmp_path):
    log = EventLog(tmp_path / "e")
    log(event(1))
    assert numbers(history(tmp_path / "e")) == [1]
    log.close()


def test_a_value_that_is_no_json_is_written_as_text(tmp_path):
    log = EventLog(tmp_path / "e")
    log(event(1, path=tmp_path))
    log.close()
    assert next(history(tmp_path / "e"))["path"] == str(tmp_path)


@pytest.mark.parametrize(
    "torn", [b'{"number": 9', b'{"number": 9}', b"\x00\x00", b"[1]\n"], ids=["half", "no newline", "zeros", "no object"]
)
def test_a_torn_last_line_costs_only_itself(tmp_path, torn):
    path = tmp_path / "e"
    write(path, 1)
    with path.open("ab") as file:
        file.write(torn)
    assert numbers(history(path)) == [1]
    write(path, 2)
    assert [n for n in numbers(history(path)) if n != 9] == [1, 2]


def test_rotation_keeps_the_newest_five_files_and_loses_nothing_before(tmp_path):
    path = tmp_path / "e"
    write(path, *range(20), rotate_bytes=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["e.1", "e.2", "e.3", "e.4", "e.5"]
    assert numbers(history(path)) == [15, 16, 17, 18, 19]


def test_rotation_keeps_as_many_files_as_are_asked_for_and_deletes_those_of_a_larger_number_before(tmp_path):
    path = tmp_path / "e"
    write(path, *range(20), rotate_bytes=1)
    write(path, 20, rotate_bytes=1, keep=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["e.1", "e.2"]
    assert numbers(history(path)) == [19, 20]


def test_all_files_together_stay_bounded_by_size_and_number(tmp_path):
    write(tmp_path / "e", *range(2000), rotate_bytes=1000, keep=3)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 4 * 1100
    assert numbers(history(tmp_path / "e"))[-1] == 1999


def test_following_misses_nothing_when_several_files_are_put_away_between_two_looks(tmp_path):
    path = tmp_path / "e"
    write(path, 1)
    assert numbers(follow(path, turns(lambda: write(path, 2, 3, 4, rotate_bytes=1), lambda: write(path, 5)))) == [2, 3, 4, 5]


def test_following_goes_on_with_the_oldest_where_its_own_file_is_deleted_already(tmp_path):
    path = tmp_path / "e"
    write(path, 1)
    assert numbers(follow(path, turns(lambda: write(path, *range(2, 9), rotate_bytes=1, keep=3)))) == [2, 6, 7, 8]


def test_what_a_full_disk_refused_is_given_up_and_the_next_event_is_written_whole(tmp_path, monkeypatch):
    path = tmp_path / "e"
    log = EventLog(path)
    log(event(1))

    class Full:
        """Takes half of what is written."""

        def __init__(self, file):
            self.file = file

        def write(self, data):
            return self.file.write(data[: len(data) // 2])

        def close(self):
            self.file.close()

    log._file = Full(log._file)
    with pytest.raises(OSError, match="the disk is full"):
        log(event(2))
    log(event(3))
    log.close()
    assert numbers(history(path)) == [1, 3]


def test_following_starts_with_what_comes_next(tmp_path):
    path = tmp_path / "e"
    write(path, 1)
    assert numbers(follow(path, turns(lambda: write(path, 2, 3)))) == [2, 3]


def test_following_from_the_start_also_tells_what_was(tmp_path):
    path = tmp_path / "e"
    write(path, 1)
    assert numbers(follow(path, turns(lambda: write(path, 2)), from_start=True)) == [1, 2]


def test_following_waits_for_a_file_that_is_not_there_yet(tmp_path):
    path = tmp_path / "logs/e"
    assert numbers(follow(path, turns(lambda: None, lambda: write(path, 1)))) == [1]


def test_following_goes_on_after_a_rotation(tmp_path):
    path = tmp_path / "e"
    write(path, 1)

    def rotate():
        write(path, 2, rotate_bytes=1)
        write(path, 3)

    assert numbers(follow(path, turns(rotate, lambda: write(path, 4)))) == [2, 3, 4]


def test_following_waits_for_the_second_half_of_a_line(tmp_path):
    path = tmp_path / "e"
    path.touch()

    def add(text):
        with path.open("a") as file:
            file.write(text)

    assert numbers(follow(path, turns(lambda: add('{"num'), lambda: add('ber": 7}\n')))) == [7]
