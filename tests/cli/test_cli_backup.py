"""`koma backup` and `koma restore`: everything that was paid for comes back on another machine, and nothing renders."""

import json
import shutil
from contextlib import closing

import pytest

from support.workspaces import ALL, STILL, Workspace


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backups"


@pytest.fixture
def saved(rendered, folder):
    """A rendered workspace with one backup."""
    assert rendered.koma("backup", str(folder)).code == 0
    return rendered


@pytest.fixture
def elsewhere(saved, tmp_path):
    """Another machine, with documents and templates from git and nothing else."""
    root = tmp_path / "elsewhere"
    shutil.copytree(saved.root, root, ignore=shutil.ignore_patterns("outputs"))
    return Workspace(root, saved.read("koma.yaml"))


def test_a_backup_says_what_it_holds_and_how_to_bring_it_back(rendered, folder):
    done = rendered.koma("backup", str(folder))
    assert "4 takes, 4 outputs" in done.out
    assert f"to bring it back: koma restore {folder}" in done.out
    facts = rendered.koma("backup", str(folder), "--json").json
    assert (facts["takes"], facts["published"], facts["missing"]) == (4, 4, 0)


def test_on_a_fresh_machine_everything_comes_back_and_nothing_renders(saved, elsewhere, folder):
    done = elsewhere.koma("restore", str(folder))
    assert done.code == 0, done
    assert "4 takes, 4 outputs brought back" in done.out
    assert elsewhere.pictures() == saved.pictures()
    assert {target: elsewhere.receipt(target) for target in ALL} == {target: saved.receipt(target) for target in ALL}
    assert elsewhere.actions() == {}
    assert elsewhere.koma("doctor").out.count("FAIL") == saved.koma("doctor").out.count("FAIL")


def test_restoring_again_with_replace_changes_nothing_and_keeps_the_state_before(elsewhere, folder):
    elsewhere.koma("restore", str(folder))
    refused = elsewhere.koma("restore", str(folder))
    assert refused.code == 1
    assert "this workspace knows 4 takes already" in refused.err
    assert "koma restore --replace" in refused.err
    done = elsewhere.koma("restore", str(folder), "--replace")
    assert done.code == 0, done
    assert len(list((elsewhere.root / "outputs/.koma").glob("state.db.before-restore-*"))) == 1
    assert elsewhere.actions() == {}


def test_a_second_backup_copies_only_what_is_new(saved, folder):
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.png")}
    saved.koma("backup", str(folder))
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.png")} == before


def test_what_only_forgotten_backups_named_goes_with_them(saved, folder, monkeypatch):
    for second in range(3):
        monkeypatch.setattr("koma.telemetry.clock.SystemClock.now", lambda _self, at=second: 2_000_000_000.0 + at)
        saved.koma("backup", str(folder), "--keep", "2")
    names = sorted(file.name for file in folder.glob("*.json"))
    assert names == ["backup-20330518T033321Z.json", "backup-20330518T033322Z.json"]
    stray = folder / "objects/aa"
    stray.mkdir(exist_ok=True)
    (stray / ("b" * 62 + ".png")).write_bytes(b"of a backup that is gone")
    saved.koma("backup", str(folder), "--keep", "2")
    assert not (stray / ("b" * 62 + ".png")).exists()
    assert saved.koma("backup", str(folder), "--verify").code == 0


def test_a_damaged_backup_is_told_and_brings_back_no_state(saved, elsewhere, folder):
    victim = max((file for file in folder.rglob("*.png")), key=lambda file: file.stat().st_size)
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    told = saved.koma("backup", str(folder), "--verify")
    assert told.code == 1
    assert f"{victim}: an object is missing or damaged" in told.out
    done = elsewhere.koma("restore", str(folder))
    assert done.code == 1
    assert "the backup is not whole" in done.err
    assert not elsewhere.koma("status", "--json").json.get("takes")
    shutil.rmtree(folder / "objects")
    assert "the backup is not whole" in elsewhere.koma("restore", str(folder)).err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: {**data, "format_version": 99, "koma": "9.0"}, "made by a newer Koma (9.0)"),
        (lambda data: {"format_version": 1}, "is no list of a backup"),
        (lambda data: {**data, "files": [{**data["files"][0], "path": "../../evil.json"}]}, "leads out of the outputs folder"),
        (lambda data: {**data, "objects": [{**data["objects"][0], "file_digest": "../x"}]}, "not the name of an object"),
    ],
    ids=["of a newer Koma", "without its fields", "with a path that leads out", "with a name that is no digest"],
)
def test_a_list_is_refused_that_is(elsewhere, folder, change, words):
    (file,) = folder.glob("*.json")
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    done = elsewhere.koma("restore", str(folder))
    assert done.code == 1
    assert words in done.err
    assert not (elsewhere.root.parent / "evil.json").exists()


def test_a_folder_without_a_backup_is_said_to_have_none(rendered, tmp_path):
    assert "holds no backup" in rendered.koma("restore", str(tmp_path)).err
    assert "holds no backup" in rendered.koma("backup", "--verify", str(tmp_path)).err


def test_one_of_several_backups_is_named_by_a_part_of_its_time(saved, elsewhere, folder):
    assert "has no backup '1999'" in elsewhere.koma("restore", str(folder), "--at", "1999").err


def test_an_object_that_was_gone_before_is_counted_and_the_rest_is_kept(rendered, folder):
    for file in (rendered.root / "outputs/.koma/objects").rglob("*.jpg"):
        file.unlink()
    done = rendered.koma("backup", str(folder))
    assert done.code == 0
    assert "that takes name were gone before" in done.out


def test_an_empty_workspace_has_nothing_to_back_up(workspace, folder):
    done = workspace.koma("backup", str(folder))
    assert done.code == 1
    assert "nothing to back up" in done.err


def test_a_backup_is_made_beside_a_daemon(saved, folder):
    from koma.stores.lock import StateLock

    with StateLock(saved.root / "outputs/.koma/state.lock"):
        assert saved.koma("backup", str(folder)).code == 0
        assert "held by process" in saved.koma("restore", str(folder)).err


def test_a_published_file_that_is_lost_comes_back_from_the_backups_objects(saved, folder):
    saved.lose_state()
    shutil.rmtree(saved.root / "outputs")
    saved.koma("restore", str(folder))
    assert saved.output(STILL, ".png").is_file()


@pytest.mark.parametrize("place", ["outputs", "outputs/.koma", "outputs/.koma/objects", "outputs/demo/backups"])
def test_a_backup_among_what_it_is_made_of_is_refused(rendered, place):
    objects = sorted((rendered.root / "outputs/.koma/objects").rglob("*"))
    done = rendered.koma("backup", str(rendered.root / place))
    assert done.code == 1
    assert "on another disk" in done.err
    assert sorted((rendered.root / "outputs/.koma/objects").rglob("*")) == objects
    assert list((rendered.root / "outputs").rglob("backup*")) == []


def test_a_folder_whose_objects_lead_into_the_object_store_is_refused(rendered, folder):
    folder.mkdir()
    (folder / "objects").symlink_to(rendered.root / "outputs/.koma/objects")
    assert rendered.koma("backup", str(folder)).code == 1
    assert rendered.koma("doctor", "--objects").code == rendered.koma("doctor").code


def test_files_of_others_in_the_folder_are_left_alone(rendered, folder):
    others = [folder / "backup-photos.json", folder / "objects/ab/notes.txt", folder / "objects/trip/day.jpg"]
    for file in others:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    for _ in range(2):
        assert rendered.koma("backup", str(folder), "--keep", "1").code == 0
    assert [file.read_text() for file in others] == ["mine"] * 3
    assert rendered.koma("backup", str(folder), "--verify").code == 0


def test_the_backup_just_made_is_kept_though_the_clock_was_set_back(saved, folder):
    (later,) = folder.glob("backup-*.json")
    later.rename(folder / "backup-29990101T000000Z.json")
    assert saved.koma("backup", str(folder), "--keep", "1").code == 0
    assert len([file for file in folder.glob("backup-*.json") if "2999" not in file.name]) == 1


def test_two_backups_into_one_folder_at_once_are_refused(saved, folder):
    from koma.stores.lock import StateLock

    with StateLock(folder / "backup.lock"):
        done = saved.koma("backup", str(folder))
    assert done.code == 1
    assert "backup.lock: held by process" in done.err


def test_records_that_change_or_go_while_they_are_copied_stop_no_backup(rendered, folder, monkeypatch):
    from koma.app import backup

    records = backup._records

    def changing(outputs):
        for file in list(records(outputs)):
            yield file
            if file.name.endswith(".gate.json"):
                file.write_text("{}")
        yield outputs / "demo/gone.receipt.json"

    monkeypatch.setattr(backup, "_records", changing)
    assert rendered.koma("backup", str(folder)).code == 0
    assert rendered.koma("backup", str(folder), "--verify").code == 0


def test_one_damaged_object_stops_no_backup_and_is_told(rendered, folder):
    victim = max((rendered.root / "outputs/.koma/objects").rglob("*.png"), key=lambda file: file.stat().st_size)
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    done = rendered.koma("backup", str(folder), "--json")
    assert done.code == 0, done
    assert done.json["missing"] == 1
    assert rendered.koma("backup", str(folder), "--verify").code == 0


def test_restoring_mends_objects_that_were_damaged(saved, folder):
    victim = max((saved.root / "outputs/.koma/objects").rglob("*.png"), key=lambda file: file.stat().st_size)
    whole = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(whole[:-1] + b"?")
    assert saved.koma("restore", str(folder), "--replace").code == 0
    assert victim.read_bytes() == whole


@pytest.mark.parametrize("state", [b"no database" * 100, b""], ids=["damaged", "empty"])
def test_a_state_that_can_not_be_read_is_put_aside_as_it_is(saved, folder, state):
    path = saved.root / "outputs/.koma/state.db"
    path.write_bytes(state)
    assert saved.koma("restore", str(folder), "--replace").code == 0
    (aside,) = path.parent.glob("state.db.before-restore-*[0-9]")
    assert not state or aside.read_bytes() == state
    assert saved.actions() == {}


def test_what_is_put_aside_is_whole_though_somebody_reads_it_meanwhile(saved, folder):
    from koma.stores.reading import StoreReader
    from koma.stores.sqlite import SqliteStore

    path = saved.root / "outputs/.koma/state.db"
    with closing(StoreReader(path)) as reader:
        reader.serial()
        writer = SqliteStore(path)
        writer.set_flag("written", "last")
        writer.close()
        assert saved.koma("restore", str(folder), "--replace").code == 0
    (aside,) = path.parent.glob("state.db.before-restore-*[0-9]")
    with closing(SqliteStore(aside)) as before:
        assert before.flags()["written"] == "last"
