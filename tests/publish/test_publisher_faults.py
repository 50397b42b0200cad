"""Publishing when something goes wrong: at every place, what lies in outputs/ is a whole take, and a repeat puts it right."""

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koma.core.media import Role
from koma.publish.publisher import MAX_LOG, FolderPublisher
from support.takes import STEM, Workshop, tree

RECEIPT = f"{STEM}.receipt.json"


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def publisher(shop: Workshop) -> FolderPublisher:
    return FolderPublisher(shop.outputs, shop.objects)


class Crash(BaseException):
    """Stands for the process being killed."""


def crash_at(patch: pytest.MonkeyPatch, call: int) -> list[str]:
    """Let the call-th change of the file system be the last."""
    done: list[str] = []

    def wrap(name: str):
        real = getattr(os, name)

        def act(*arguments, **options):
            if len(done) == call:
                raise Crash
            done.append(name)
            return real(*arguments, **options)

        patch.setattr(os, name, act)

    for name in ("link", "replace", "rename", "fsync", "unlink", "mkdir"):
        wrap(name)
    return done


def crashes(act, monkeypatch, call: int) -> bool:
    with monkeypatch.context() as patch:
        crash_at(patch, call)
        try:
            act()
        except Crash:
            return True
    return False


def test_a_crash_anywhere_in_publishing_leaves_old_or_new_and_is_put_right_by_a_repeat(tmp_path, monkeypatch):
    call, crashed = 0, True
    while crashed:
        shop = Workshop(tmp_path / str(call))
        publisher = FolderPublisher(shop.outputs, shop.objects)
        old, new = shop.still(1), shop.still(2)
        publisher.keep_take(old, STEM, "")
        publisher.keep_take(new, STEM, "")
        before = publisher.publish(old, STEM)
        pictures = {shop.objects.path(take.object.file_digest, ".png").read_bytes() for take in (old, new)}
        crashed = crashes(lambda: publisher.publish(new, STEM), monkeypatch, call)  # noqa: B023  called at once

        assert tree(shop.outputs)[f"{STEM}.png"] in pictures, call
        assert json.loads(tree(shop.outputs)[RECEIPT])["take_key"] in (old.take_key, new.take_key), call
        recalled = {take.take_key: published for take, published in publisher.recall()}
        assert recalled.keys() == {old.take_key, new.take_key}, call
        assert recalled[old.take_key] in (before, None), call

        after = publisher.publish(new, STEM)
        assert (new, after) in list(publisher.recall())
        assert not [name for name in tree(shop.outputs) if name.endswith(".part")], call
        call += 1
    assert call > 12  # four files, each linked or written, flushed, renamed, its folder flushed


def test_the_receipt_is_written_last(shop, publisher, monkeypatch):
    order = []
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: (order.append(Path(target).name), real(self, target))[1])
    take, name = shop.still(), Path(STEM).name
    order.clear()
    publisher.publish(take, STEM)
    publisher.keep_take(take, STEM, "")
    assert order[:4] == [f"{name}.png", f"{name}.jpg", f"{name}.gate.json", f"{name}.receipt.json"]
    assert order[-1].endswith(".receipt.json")


def test_a_crash_anywhere_in_retiring_is_put_right_by_a_repeat(tmp_path, monkeypatch):
    call, crashed = 0, True
    while crashed:
        shop = Workshop(tmp_path / str(call))
        publisher = FolderPublisher(shop.outputs, shop.objects)
        published = publisher.publish(shop.still(), STEM)
        crashed = crashes(lambda: publisher.retire(published), monkeypatch, call)  # noqa: B023  called at once
        publisher.retire(published)
        assert tree(shop.outputs) == {}, call
        call += 1
    assert call > 8


def test_where_links_are_not_possible_files_are_read_only_copies(shop, publisher, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    take = shop.still()
    published = publisher.publish(take, STEM)
    path, source = shop.outputs / published.path, shop.objects.path(take.object.file_digest, ".png")
    assert path.read_bytes() == source.read_bytes()
    assert not path.samefile(source)
    assert path.stat().st_mode & 0o222 == 0
    stamp = path.stat().st_mtime_ns
    assert publisher.publish(take, STEM) == published
    assert path.stat().st_mtime_ns == stamp
    publisher.keep_take(shop.still(2, sharpness=1.0), STEM, "")
    assert [name for name in tree(shop.outputs) if name.endswith(".png")] == [f"{STEM}.png"]


def test_a_published_file_is_a_link_to_its_object(shop, publisher):
    take = shop.clip()
    published = publisher.publish(take, STEM)
    delivery = next(artifact for artifact in take.artifacts if artifact.role is Role.DELIVERY)
    assert (shop.outputs / published.path).samefile(shop.objects.path(delivery.file_digest, ".mp4"))


def test_a_rest_of_an_earlier_crash_is_in_nobodys_way(shop, publisher):
    folder = (shop.outputs / STEM).parent
    folder.mkdir(parents=True)
    for suffix in (".png", ".jpg", ".gate.json", ".receipt.json"):
        (folder / f".{Path(STEM).name}{suffix}.part").write_bytes(b"half")
    take = shop.still()
    published = publisher.publish(take, STEM)
    assert list(publisher.recall()) == [(take, published)]
    assert not [name for name in tree(shop.outputs) if name.endswith(".part")]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        pytest.param(RECEIPT, cut, "is no JSON", id="a receipt that was cut"),
        pytest.param(RECEIPT, lambda _: b"", "is no JSON", id="an empty receipt"),
        pytest.param(RECEIPT, lambda _: b"[1]", "holds no JSON object", id="a receipt that is a list"),
        pytest.param(RECEIPT, lambda _: b"\xff\xfe\0", "is no JSON", id="a receipt that is no text"),
        pytest.param(RECEIPT, lambda _: b"[" * 200_000, "is no JSON", id="a receipt that is too deep"),
        pytest.param(RECEIPT, lambda _: b"{}", "format_version is None", id="a receipt with nothing in it"),
        pytest.param(f"{STEM}.gate.json", cut, "is no JSON", id="a gate document that was cut"),
    ],
)
def test_a_damaged_receipt_is_skipped_and_named_and_the_others_come_back(shop, publisher, name, change, words):
    whole, broken = shop.still(1), shop.still(2)
    other = "lantern-street/s01/sh020/still.animatic"
    expected = (whole, publisher.publish(whole, other))
    publisher.publish(broken, STEM)
    path = shop.outputs / name
    path.write_bytes(change(path.read_bytes()))
    assert list(publisher.recall()) == [expected]
    assert len(publisher.problems) == 1
    assert publisher.problems[0].startswith(f"{RECEIPT}: ")
    assert words in publisher.problems[0]
    assert list(publisher.recall()) == [expected]
    assert len(publisher.problems) == 1


def test_a_damaged_published_receipt_falls_back_to_the_one_in_takes(shop, publisher):
    take = shop.still()
    publisher.keep_take(take, STEM, "")
    publisher.publish(take, STEM)
    (shop.outputs / RECEIPT).write_bytes(b"{")
    assert list(publisher.recall()) == [(take, None)]
    published = publisher.publish(take, STEM)
    assert list(publisher.recall()) == [(take, published)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(lambda path: (path.unlink(), path.write_bytes(b"other")), id="of another size"),
        pytest.param(lambda path: (data := path.read_bytes(), path.unlink(), path.write_bytes(data[::-1])), id="of the same size"),
    ],
)
def test_a_published_file_that_is_not_the_receipts_counts_as_not_published(shop, publisher, change):
    take = shop.still()
    published = publisher.publish(take, STEM)
    change(shop.outputs / published.path)
    assert list(publisher.recall()) == [(take, None)]
    assert "counts as not published" in publisher.problems[0]


def test_objects_may_be_lost_and_what_is_published_is_still_known(shop, publisher):
    take = shop.still()
    published = publisher.publish(take, STEM)
    shop.objects.path(take.object.file_digest, ".png").unlink()
    assert list(publisher.recall()) == [(take, published)]


@pytest.mark.parametrize(("field", "value"), [("file_digest", "../../../../etc/passwd"), ("suffix", "/../../../../precious.png")])
def test_a_receipt_cannot_lead_out_of_the_object_store(shop, publisher, field, value):
    publisher.publish(shop.still(), STEM)
    path = shop.outputs / RECEIPT
    document = json.loads(path.read_text())
    for artifact in document["artifacts"]:
        artifact[field] = value
    path.write_text(json.dumps(document))
    assert list(publisher.recall()) == []
    assert "not the name of an object" in publisher.problems[0]


def test_a_forged_receipt_deletes_nothing_when_it_is_replaced(shop, publisher):
    precious = shop.root / "precious.png"
    precious.write_bytes(b"mine")
    publisher.publish(shop.still(1), STEM)
    path = shop.outputs / RECEIPT
    document = json.loads(path.read_text())
    for artifact in document["artifacts"]:
        artifact["suffix"] = "/../../../../../precious.png"
    path.write_text(json.dumps(document))
    publisher.publish(shop.still(2), STEM)
    assert precious.exists()


def test_only_the_end_of_a_long_log_is_kept(shop, publisher):
    publisher.keep_take(shop.error(), STEM, "x" * 10 * MAX_LOG + "the end")
    log = next(data for name, data in tree(shop.outputs).items() if name.endswith(".log"))
    assert len(log) < MAX_LOG + 1000
    assert log.endswith(b"the end\n")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from(["..", ".", "a", "", ".koma", "takes", "b.c", "~", "/", "\0"]), max_size=4).map("/".join)
)
def test_no_stem_ever_leads_out_of_outputs(shop, publisher, stem):
    take = shop.error()
    before = tree(shop.root)
    try:
        publisher.keep_take(take, stem, "")
    except ValueError:
        assert tree(shop.root) == before
        return
    assert all(name.startswith("outputs/") for name in tree(shop.root).keys() - before.keys())


def test_recall_leaves_out_what_is_known_already(shop, publisher):
    one, two = shop.still(1), shop.still(2, sharpness=1.0)
    for take in (one, two):
        publisher.keep_take(take, STEM, "")
    published = publisher.publish(one, STEM)
    assert list(publisher.recall([one.take_key, two.take_key], [STEM])) == []
    assert list(publisher.recall([one.take_key], [STEM])) == [(two, None)]
    assert list(publisher.recall([one.take_key, two.take_key])) == [(one, published)]


def test_what_the_object_store_lost_comes_back_from_the_outputs(shop, publisher):
    take = shop.still()
    publisher.publish(take, STEM)
    paths = [shop.objects.path(made.file_digest, made.suffix) for made in take.artifacts]
    for path in set(paths):
        path.unlink()
    publisher.give_back(take, STEM)
    assert all(shop.objects.is_sound(made.file_digest, made.suffix) for made in take.artifacts)


def test_other_bytes_are_not_taken_for_those_of_a_take(shop, publisher):
    take = shop.still()
    published = publisher.publish(take, STEM)
    shop.objects.path(take.object.file_digest, ".png").unlink()
    shown = shop.outputs / published.path
    shown.unlink()
    shown.write_bytes(b"x" * take.object.size)
    publisher.give_back(take, STEM)
    assert not shop.objects.has(take.object.file_digest, ".png")


def test_an_object_that_is_cut_short_is_never_published(shop, publisher):
    take = shop.still()
    path = shop.objects.path(take.object.file_digest, ".png")
    path.chmod(0o644)
    os.truncate(path, 10)
    with pytest.raises(OSError, match="has not the"):
        publisher.publish(take, STEM)
    assert not (shop.outputs / f"{STEM}.png").exists()
