"""What every publisher promises: koma.ports.Publisher."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from koma.core.media import Role
from koma.ports import Publisher
from koma.publish.publisher import FolderPublisher
from support.takes import STEM, Workshop, tree

PUBLISHERS: dict[str, Callable[[Workshop], Publisher]] = {"folder": lambda shop: FolderPublisher(shop.outputs, shop.objects)}
FOLDER = STEM.rpartition("/")[0]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture(params=PUBLISHERS)
def publisher(request: pytest.FixtureRequest, shop: Workshop) -> Publisher:
    return PUBLISHERS[request.param](shop)


def test_a_still_is_published_with_poster_gate_and_receipt(publisher, shop):
    take = shop.still()
    published = publisher.publish(take, STEM)
    assert sorted(tree(shop.outputs)) == [f"{STEM}{suffix}" for suffix in (".gate.json", ".jpg", ".png", ".receipt.json")]
    assert published.path == f"{STEM}.png"
    assert published.size == (shop.outputs / published.path).stat().st_size
    assert json.loads((shop.outputs / f"{STEM}.receipt.json").read_text()) == take.receipt
    assert json.loads((shop.outputs / f"{STEM}.gate.json").read_text())["verdict"] == "passed"


def test_what_is_published_repeats_what_its_take_says(publisher, shop):
    take = shop.still()
    published = publisher.publish(take, STEM)
    for name in ("target", "rendition", "take_key", "render_key", "measure_key", "rules_digest", "decided"):
        assert getattr(published, name) == getattr(take, name)
    assert (published.verdict, published.content_digest) == ("passed", take.object.content_digest)


def test_a_clip_is_published_as_its_delivery_file_and_known_by_its_lossless_one(publisher, shop):
    take = shop.clip()
    published = publisher.publish(take, STEM)
    delivery = next(artifact for artifact in take.artifacts if artifact.role is Role.DELIVERY)
    assert published.path == f"{STEM}.mp4"
    assert published.size == delivery.size
    assert published.content_digest == take.object.content_digest != delivery.content_digest


def test_the_last_frame_of_a_clip_is_known_by_its_digest_and_lies_in_the_object_store_alone(publisher, shop):
    take = shop.clip()
    published = publisher.publish(take, STEM)
    last = take.artifact(Role.LAST)
    assert published.last_digest == last.content_digest
    assert sorted(tree(shop.outputs)) == [f"{STEM}{suffix}" for suffix in (".gate.json", ".jpg", ".mp4", ".receipt.json")]
    assert shop.objects.verify(last.file_digest, last.suffix)
    assert last.file_digest in {
        item["file_digest"] for item in json.loads((shop.outputs / f"{STEM}.receipt.json").read_text())["artifacts"]
    }
    assert [row for _, row in publisher.recall()] == [published]


def test_a_still_has_no_last_frame_to_go_on_from(publisher, shop):
    assert publisher.publish(shop.still(), STEM).last_digest == ""


def test_publishing_twice_is_publishing_once(publisher, shop):
    first = publisher.publish(shop.still(), STEM)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in shop.outputs.rglob("*") if path.is_file()}
    assert publisher.publish(shop.still(), STEM) == first
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in shop.outputs.rglob("*") if path.is_file()} == before


def test_publishing_another_take_replaces_every_file(publisher, shop):
    publisher.publish(shop.still(1), STEM)
    publisher.publish(shop.still(2), STEM)
    after = tree(shop.outputs)
    other = Workshop(shop.root / "other")
    PUBLISHERS["folder"](other).publish(other.still(2), STEM)
    assert after == tree(other.outputs)


def test_a_published_file_cannot_be_written_to(publisher, shop):
    published = publisher.publish(shop.still(), STEM)
    assert (shop.outputs / published.path).stat().st_mode & 0o222 == 0


def test_replacing_or_deleting_a_published_file_leaves_the_object_alone(publisher, shop):
    take = shop.still()
    path = shop.outputs / publisher.publish(take, STEM).path
    path.unlink()
    path.write_bytes(b"scribbled")
    assert shop.objects.verify(take.object.file_digest, ".png")
    publisher.publish(take, STEM)
    assert path.read_bytes() == shop.objects.path(take.object.file_digest, ".png").read_bytes()


def test_another_kind_of_delivery_file_takes_the_old_one_away(publisher, shop):
    publisher.publish(shop.still(1), STEM)
    publisher.publish(shop.still(2, ".webp"), STEM)
    assert sorted(tree(shop.outputs)) == [f"{STEM}{suffix}" for suffix in (".gate.json", ".jpg", ".receipt.json", ".webp")]


def test_a_jpeg_is_its_own_poster(publisher, shop):
    publisher.publish(shop.still(1), STEM)
    take = shop.still(2, ".jpg")
    publisher.publish(take, STEM)
    assert sorted(tree(shop.outputs)) == [f"{STEM}{suffix}" for suffix in (".gate.json", ".jpg", ".receipt.json")]
    assert tree(shop.outputs)[f"{STEM}.jpg"] == shop.objects.path(take.object.file_digest, ".jpg").read_bytes()


def test_a_take_without_files_cannot_be_published(publisher, shop):
    with pytest.raises(ValueError, match="no delivery file"):
        publisher.publish(shop.error(), STEM)
    assert not tree(shop.outputs)


def test_a_take_whose_object_is_gone_cannot_be_published_and_nothing_changes(publisher, shop):
    publisher.publish(shop.still(1), STEM)
    before = tree(shop.outputs)
    lost = shop.still(2)
    shop.objects.path(lost.object.file_digest, ".png").unlink()
    with pytest.raises(FileNotFoundError):
        publisher.publish(lost, STEM)
    assert tree(shop.outputs) == before


@pytest.mark.parametrize(
    "stem",
    [
        pytest.param("../outside/still", id="a parent folder"),
        pytest.param("a/../../still", id="a parent folder inside"),
        pytest.param("/etc/still", id="an absolute path"),
        pytest.param("still", id="no folder at all"),
        pytest.param("a//still", id="an empty part"),
        pytest.param("a/.koma/still", id="Koma's own folder"),
        pytest.param("a/takes/still", id="the folder of takes"),
        pytest.param("a/still\n", id="a line break"),
        pytest.param("a\\..\\still", id="backslashes"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_stem_that_leaves_its_place_is_refused_by_everything(publisher, shop, stem):
    take = shop.still()
    published = publisher.publish(take, STEM)
    before = tree(shop.root)
    for act in (
        lambda: publisher.publish(take, stem),
        lambda: publisher.keep_take(take, stem, ""),
        lambda: publisher.retire(published._replace(path=f"{stem}.png")),
    ):
        with pytest.raises(ValueError, match="is no place in the outputs folder"):
            act()
    assert tree(shop.root) == before


def test_a_failed_take_keeps_error_log_and_receipt(publisher, shop):
    take = shop.error()
    publisher.keep_take(take, STEM, "loading model\nAuthorization: Bearer s3cr3t-v4lue\n")
    names = {Path(path).name: data for path, data in tree(shop.outputs).items()}
    base = f"still.animatic.{take.take_key[:12]}"
    assert sorted(names) == [f"{base}{suffix}" for suffix in (".gate.json", ".log", ".receipt.json")]
    log = names[f"{base}.log"].decode()
    assert log.startswith("out-of-memory: the GPU ran out of memory\ntorch.OutOfMemoryError")
    assert "loading model" in log
    assert "s3cr3t" not in log
    assert json.loads(names[f"{base}.receipt.json"])["request"]["document"]


def test_a_take_that_did_not_pass_keeps_its_picture_for_people_to_see(publisher, shop):
    good, bad = shop.still(1), shop.still(2, sharpness=1.0)
    publisher.keep_take(good, STEM, "")
    publisher.keep_take(bad, STEM, "")
    assert [path for path in tree(shop.outputs) if path.endswith(".png")] == [f"{FOLDER}/takes/still.animatic.{bad.take_key[:12]}.png"]


def test_keeping_a_take_twice_is_keeping_it_once(publisher, shop):
    take = shop.still(2, sharpness=1.0)
    publisher.keep_take(take, STEM, "log")
    before = tree(shop.outputs)
    publisher.keep_take(take, STEM, "log")
    assert tree(shop.outputs) == before


def test_retiring_moves_the_published_files_and_leaves_takes_and_others(publisher, shop):
    take, other = shop.still(1), shop.still(2)
    published = publisher.publish(take, STEM)
    publisher.publish(other, f"{FOLDER}/still")
    publisher.keep_take(take, STEM, "")
    moved = {path: data for path, data in tree(shop.outputs).items() if path.startswith(f"{STEM}.")}
    kept = {path: data for path, data in tree(shop.outputs).items() if path not in moved}
    publisher.retire(published)
    assert tree(shop.outputs) == kept
    retired = [path for path in (shop.outputs / ".koma" / "retired").rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in retired) == sorted(moved.values())


def test_retiring_is_repeatable_and_survives_coming_back(publisher, shop):
    take = shop.still()
    published = publisher.publish(take, STEM)
    publisher.retire(published)
    publisher.retire(published)
    publisher.publish(take, STEM)
    publisher.retire(published)
    assert tree(shop.outputs) == {}
    assert len([path for path in (shop.outputs / ".koma" / "retired").rglob("*") if path.is_file()]) == 4


@pytest.mark.parametrize("make", [Workshop.still, Workshop.clip], ids=["a still", "a clip"])
def test_recall_gives_back_what_was_published(publisher, shop, make):
    take = make(shop)
    published = publisher.publish(take, STEM)
    assert list(publisher.recall()) == [(take, published)]


def test_recall_gives_every_take_once_published_or_not(publisher, shop):
    takes = [shop.still(1), shop.still(2, sharpness=1.0), shop.error(3)]
    for take in takes:
        publisher.keep_take(take, STEM, "")
    published = publisher.publish(takes[0], STEM)
    found = {take.take_key: (take, where) for take, where in publisher.recall()}
    assert found == {takes[0].take_key: (takes[0], published), takes[1].take_key: (takes[1], None), takes[2].take_key: (takes[2], None)}


def test_recall_tells_how_a_take_was_judged_last(publisher, shop):
    take = shop.still()
    publisher.keep_take(take, STEM, "")
    approved = replace(take, approved=True, decided=True)
    published = publisher.publish(approved, STEM)
    assert list(publisher.recall()) == [(approved, published)]


def test_recall_after_retiring_still_knows_the_takes(publisher, shop):
    take = shop.still()
    publisher.keep_take(take, STEM, "")
    publisher.retire(publisher.publish(take, STEM))
    assert list(publisher.recall()) == [(take, None)]


def test_recall_knows_renditions_apart(publisher, shop):
    one, two = shop.still(1), replace(shop.still(2), rendition="final", receipt={**shop.still(2).receipt, "rendition": "final"})
    expected = [(one, publisher.publish(one, STEM)), (two, publisher.publish(two, f"{FOLDER}/still"))]
    assert sorted(publisher.recall(), key=lambda found: found[0].number) == expected


def test_recall_of_an_empty_or_missing_folder_is_empty(publisher, shop):
    assert list(publisher.recall()) == []
    shop.outputs.rename(shop.root / "elsewhere")
    assert list(publisher.recall()) == []
