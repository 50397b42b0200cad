"""A folder in the outputs that somebody replaced by a link: nothing is written, moved or read through it."""

import json

import pytest

from koma.files import LinkedFolderError
from koma.publish.layout import beside, in_takes, retired
from koma.publish.publisher import FolderPublisher
from support.takes import STEM, Workshop, tree

PROJECT, SCENE, _ = STEM.split("/", 2)


@pytest.fixture
def shop(tmp_path):
    return Workshop(tmp_path / "shop")


@pytest.fixture
def elsewhere(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def link(shop, elsewhere, name):
    (shop.outputs / name).parent.mkdir(parents=True, exist_ok=True)
    (shop.outputs / name).symlink_to(elsewhere)


@pytest.mark.parametrize("name", [PROJECT, f"{PROJECT}/{SCENE}", STEM.rpartition("/")[0]], ids=["project", "scene", "shot"])
def test_nothing_is_published_through_a_link(shop, elsewhere, name):
    publisher, take = FolderPublisher(shop.outputs, shop.objects), shop.still()
    link(shop, elsewhere, name)
    for write in (lambda: publisher.publish(take, STEM), lambda: publisher.keep_take(take, STEM, "log")):
        with pytest.raises(LinkedFolderError, match=f"{name} is a symbolic link"):
            write()
    assert list(elsewhere.iterdir()) == []


def test_nothing_is_retired_from_behind_a_link(shop, elsewhere):
    publisher, take = FolderPublisher(shop.outputs, shop.objects), shop.still()
    published = publisher.publish(take, STEM)
    (shop.outputs / PROJECT).rename(elsewhere / PROJECT)
    link(shop, elsewhere / PROJECT, PROJECT)
    before = tree(elsewhere)
    publisher.retire(published)
    assert tree(elsewhere) == before


def test_receipts_behind_a_link_are_not_recalled(shop, elsewhere):
    publisher, take = FolderPublisher(shop.outputs, shop.objects), shop.still()
    publisher.publish(take, STEM)
    receipt = shop.outputs / f"{STEM}.receipt.json"
    receipt.rename(elsewhere / "receipt.json")
    receipt.symlink_to(elsewhere / "receipt.json")
    assert list(publisher.recall()) == []
    assert len(publisher.problems) == 1


def test_a_link_under_the_name_of_an_unfinished_file_is_not_written_through(shop, elsewhere):
    publisher, take = FolderPublisher(shop.outputs, shop.objects), shop.still()
    victim = elsewhere / "victim"
    victim.write_text("mine")
    for suffix in (".receipt.json", ".gate.json", ".png", ".jpg"):
        file = beside(shop.outputs, STEM, suffix)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(f".{file.name}.part").symlink_to(victim)
    publisher.publish(take, STEM)
    assert victim.read_text() == "mine"
    assert json.loads(beside(shop.outputs, STEM, ".receipt.json").read_text()) == take.receipt


def test_every_place_in_the_outputs_is_looked_at(shop, elsewhere):
    link(shop, elsewhere, ".koma/retired")
    link(shop, elsewhere, f"{STEM.rpartition('/')[0]}/takes")
    with pytest.raises(LinkedFolderError):
        retired(shop.outputs, STEM, "a" * 64)
    with pytest.raises(LinkedFolderError):
        in_takes(shop.outputs, STEM, "a" * 64, ".log")
    assert beside(shop.outputs, STEM, ".png")
