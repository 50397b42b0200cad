"""Takes that lost files, and stores that lost takes: what is left gives back what it can."""

from dataclasses import replace
from pathlib import Path

import pytest

from koma.app.recalling import recall
from koma.core.flags import AGAIN, LOST
from koma.core.media import Role
from koma.engine.mending import forget_answered, mended, restock
from koma.engine.taking import TakeMissingError
from koma.publish.publisher import FolderPublisher
from koma.stores.memory import MemoryStore
from support.scripted import make_job
from support.takes import STEM, Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def publisher(shop: Workshop) -> FolderPublisher:
    return FolderPublisher(shop.outputs, shop.objects)


def path_of(shop, take, role):
    made = take.artifact(role)
    return shop.objects.path(made.file_digest, made.suffix)


def test_a_take_that_is_whole_stays_as_it_is(shop):
    take = shop.clip()
    assert mended(take, shop.objects, shop.media) is take


@pytest.mark.parametrize("roles", [[Role.DELIVERY], [Role.POSTER], [Role.DELIVERY, Role.POSTER]], ids=["clip", "poster", "both"])
def test_what_people_see_is_encoded_again_to_the_same_bytes(shop, roles):
    take = shop.clip()
    for role in roles:
        path_of(shop, take, role).unlink()
    assert mended(take, shop.objects, shop.media) == take
    assert all(shop.objects.is_sound(made.file_digest, made.suffix) for made in take.artifacts)


def test_another_encoder_makes_other_bytes_and_the_receipt_names_them(shop):
    take = shop.clip()
    path_of(shop, take, Role.DELIVERY).unlink()
    other = replace(take.artifact(Role.DELIVERY), file_digest="d" * 64)
    known = replace(take, artifacts=tuple(other if made.role is Role.DELIVERY else made for made in take.artifacts))
    again = mended(known, shop.objects, shop.media)
    assert again.artifacts == take.artifacts
    assert [made["file_digest"] for made in again.receipt["artifacts"]] == [made.file_digest for made in take.artifacts]


@pytest.mark.parametrize(
    "lose", [lambda path: path.unlink(), lambda path: (path.chmod(0o644), path.write_bytes(b""))], ids=["gone", "empty"]
)
def test_without_the_lossless_object_there_is_nothing_to_mend_with(shop, lose):
    take = shop.clip()
    path_of(shop, take, Role.DELIVERY).unlink()
    lose(path_of(shop, take, Role.OBJECT))
    with pytest.raises(TakeMissingError, match="rendered again if wanted"):
        mended(take, shop.objects, shop.media)


def published(shop, publisher):
    store, take = MemoryStore(), shop.still()
    publisher.keep_take(take, STEM, "")
    store.put_take(take)
    store.put_published(publisher.publish(take, STEM))
    return store, take


def test_a_lost_object_of_a_published_picture_comes_back_at_the_start(shop, publisher):
    store, take = published(shop, publisher)
    path_of(shop, take, Role.OBJECT).unlink()
    restock(store, shop.objects, publisher)
    assert shop.objects.is_sound(take.object.file_digest, ".png")


def test_a_store_without_takes_learns_all_of_them(shop, publisher):
    known, take = published(shop, publisher)
    store = MemoryStore()
    assert recall(store, publisher) == 1
    assert (store.take(take.take_key), store.published()) == (take, known.published())
    assert recall(store, publisher) == 0


def test_a_recall_that_was_cut_short_goes_on(shop, publisher):
    known, take = published(shop, publisher)
    later = shop.still(2, sharpness=1.0)
    publisher.keep_take(later, STEM, "")
    store = MemoryStore()
    store.put_take(take)
    assert recall(store, publisher) == 1
    assert {row.take_key for row in store.take_rows()} == {take.take_key, later.take_key}
    assert store.published() == known.published()


def test_what_the_store_knows_wins_over_receipts(shop, publisher):
    store, take = published(shop, publisher)
    approved = replace(take, approved=True, decided=True)
    store.put_take(approved)
    before = store.published()
    copied = STEM.replace("sh010", "sh010-copy")
    publisher.publish(take, copied)  # somebody copied a folder
    recall(store, publisher)
    assert store.take(take.take_key) == approved
    assert store.published() == before


@pytest.mark.parametrize(
    ("flag", "work", "left"),
    [
        pytest.param(AGAIN, {"asked": True}, False, id="a person asked for it, and it is on its way"),
        pytest.param(AGAIN, {}, True, id="another job runs, and a person asked for one more"),
        pytest.param(LOST, {}, False, id="its frames are lost, and are made again"),
    ],
)
def test_what_was_asked_for_and_is_on_its_way_is_not_asked_for_again(flag, work, left):
    store, job = MemoryStore(), make_job(**work)
    name = f"retry:{job.work.target}:{job.work.rendition}"
    store.enqueue([job])
    store.set_flag(name, flag)
    store.set_flag("retry:p/s01/other/still:final", flag)
    forget_answered(store)
    assert (name in store.flags()) is left
    assert "retry:p/s01/other/still:final" in store.flags()
