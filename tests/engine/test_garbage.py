"""What nothing needs any more: every file of a take that is kept stays, the last frame of a clip with them; and what jobs still read."""

import os
from dataclasses import replace

import pytest

from koma.core.against import Against, Picture, Subject
from koma.core.media import Role
from koma.engine.garbage import DAY, digests_of, digests_of_job, left_halfway, outlived, shown_takes, sweep, unlink_below, unmarked
from koma.publish.layout import GATE, in_takes
from koma.publish.objects import FileObjects
from koma.publish.publisher import FolderPublisher
from support.stored import job
from support.takes import STEM, Workshop

NOW = 1_800_000_000.0


def test_every_object_of_a_clip_is_named_by_its_take(tmp_path):
    take = Workshop(tmp_path).clip()
    assert {artifact.role for artifact in take.artifacts} == set(Role)
    assert {artifact.file_digest for artifact in take.artifacts} <= digests_of(take)


def test_every_object_of_a_clip_is_named_by_its_receipt_alone(tmp_path):
    take = Workshop(tmp_path).clip()
    assert {artifact.file_digest for artifact in take.artifacts} <= digests_of(replace(take, artifacts=()))


def test_pictures_that_an_unfinished_job_reads_and_compares_with_are_named():
    picture = Picture("c" * 64, "f" * 64, ".png")
    waiting = job()
    waiting = replace(waiting, work=replace(waiting.work, against=Against((Subject("aki", references=(picture,)),))))
    assert digests_of_job(waiting) == {picture.file_digest, waiting.work.request.inputs[0].file_digest}


def aged(file, days=2.0, content=b"x"):
    """A file that was written so many days before now; its time of change can't be set, so now is moved instead."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (0, 0))
    return file.stat().st_ctime + days * DAY


def names(litter):
    return sorted(item.path.name for item in litter)


def test_half_files_are_found_below_the_outputs_and_whole_ones_left(tmp_path):
    now = max(aged(tmp_path / "p/s01/.still.png.part"), aged(tmp_path / "p/s01/still.part"), aged(tmp_path / ".koma/objects/.x.part"))
    assert names(left_halfway(tmp_path, now)) == [".still.png.part"]
    assert left_halfway(tmp_path, now - 1.9 * DAY) == []


def test_of_a_take_whose_files_go_the_picture_goes_and_what_is_remembered_stays(tmp_path):
    for name in ("still.aaaaaaaaaaaa.png", "still.aaaaaaaaaaaa.receipt.json", "still.aaaaaaaaaaaa.gate.json", "still.aaaaaaaaaaaa.log"):
        aged(tmp_path / "p/s01/sh010/takes" / name)
    aged(tmp_path / "p/s01/sh010/takes/still.bbbbbbbbbbbb.png")
    aged(tmp_path / "p/s01/sh010/still.aaaaaaaaaaaa.png")
    assert names(shown_takes(tmp_path, {"aaaaaaaaaaaa": "old"})) == ["still.aaaaaaaaaaaa.png"]


def test_an_object_that_is_put_once_more_after_it_was_found_stays(tmp_path):
    objects = FileObjects(tmp_path / "objects")
    source = tmp_path / "a.png"
    source.write_bytes(b"pixels")
    file = objects.path(objects.put(source), ".png")
    marked_at = file.stat().st_ctime
    (litter,) = unmarked(tmp_path / "objects", set(), marked_at + 2 * DAY, whys={})
    objects.put(source)
    assert sweep([litter], lambda path: objects.discard(path, marked_at)) == []
    assert file.is_file()
    assert sweep([litter], lambda path: objects.discard(path, file.stat().st_ctime)) == [litter]
    assert not file.parent.exists()
    assert not objects.discard(file, NOW)


def test_folders_that_are_empty_go_with_their_last_file_and_the_root_stays(tmp_path):
    now = aged(tmp_path / "a/b/c")
    assert len(sweep(outlived(tmp_path, now, DAY), unlink_below(tmp_path))) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["incoming", "damaged"])
def test_what_is_no_object_goes_after_a_day(tmp_path, folder):
    now = aged(tmp_path / folder / "x")
    assert names(unmarked(tmp_path, set(), now, whys={})) == ["x"]
    assert unmarked(tmp_path, set(), now - 1.5 * DAY, whys={}) == []


def test_what_is_kept_of_a_take_says_when_it_was_shown_last(tmp_path):
    shop = Workshop(tmp_path)
    publisher = FolderPublisher(shop.outputs, shop.objects)
    first, second = shop.still(1), shop.still(2)
    for take in (first, second):
        publisher.keep_take(take, STEM, "")
        os.utime(in_takes(shop.outputs, STEM, take.take_key, GATE), (1, 1))
    publisher.publish(first, STEM)
    publisher.publish(first, STEM)
    assert shown_last(shop, first) == shown_last(shop, second) == 1
    there = publisher.publish(second, STEM)
    assert shown_last(shop, first) > 1
    assert shown_last(shop, second) == 1
    publisher.retire(there)
    assert shown_last(shop, second) > 1


def shown_last(shop, take):
    return in_takes(shop.outputs, STEM, take.take_key, GATE).stat().st_mtime
