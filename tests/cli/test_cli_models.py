"""`koma models`: what is needed and whether it is there; `koma models add`; and what commercial projects must not use."""

import hashlib
import json

import pytest

from koma.core.models import KNOWN
from koma.measures.learned import convert as conversion
from support.weights import field, onnx, safetensors
from support.workspaces import comfyui_config, story

PROJECT, LOCK = "projects/demo/project.yaml", "models/models.json"
SOUND = {"onnx": onnx(), "safetensors": safetensors()}


def gates(workspace, text="{profile: standard}", *, commercial=False):
    workspace.append(PROJECT, f"gates: {text}\n" + ("commercial: true\n" if commercial else ""))


def models(workspace, *args, code=None):
    done = workspace.koma("models", "--json", *args)
    assert code in (None, done.code), done
    return {model["name"]: model for model in done.json["models"]}


def states(workspace, *args, code=None):
    return {name: model["state"] for name, model in models(workspace, *args, code=code).items()}


def give(workspace, name, *args, content=None, file="", code=0):
    """Add a file that lies outside of the models folder."""
    given = workspace.write(file or f"given/{KNOWN[name].file}", SOUND[KNOWN[name].form] if content is None else content)
    done = workspace.koma("models", "add", name, str(given), *args)
    assert done.code == code, done
    return done


def recorded(workspace):
    return json.loads(workspace.read(LOCK))["models"]


# -- the list -----------------------------------------------------------------------------------------------------------


def test_a_workspace_that_needs_none_says_so(workspace):
    done = workspace.koma("models")
    assert done.code == 0
    assert "no project here needs a model" in done.out
    assert models(workspace) == {}


def test_all_models_are_listed_when_asked_for(workspace):
    assert set(states(workspace, "--all", code=0)) == set(KNOWN)


def test_what_is_missing_is_listed_with_where_to_get_it(workspace):
    gates(workspace)
    done = workspace.koma("models")
    assert done.code == 3
    assert "demo: ccip-difference" in done.out
    assert "model_feat.onnx of the model page deepghs/ccip_onnx" in done.out
    assert "OpenRAIL" in done.out
    assert str(workspace.root / "models") in done.out
    found = models(workspace, code=3)
    assert found["ccip-features"]["needed_by"] == [
        {"project": "demo", "metric": "ccip-difference", "field": "gates.profile", "required": True, "tuning": ""}
    ]
    assert not {"sha256", "commercial", "licence", "do", "file"} - found["ccip-features"].keys()


def test_all_there_is_all_well(workspace):
    gates(workspace)
    for name in states(workspace):
        give(workspace, name)
    assert set(states(workspace, code=0).values()) == {"ok"}


def test_what_is_only_shown_may_be_missing(workspace):
    gates(workspace, "{rules: {all: {face-count: {min: 1, required: false}}}}")
    assert states(workspace, code=0) == {"face-detector": "missing"}
    assert "face-count (only shown)" in workspace.koma("models").out


def test_a_model_of_a_python_package_needs_that_package(workspace, monkeypatch):
    gates(workspace, "{rules: {video: {lpips-temporal: {max: 0.1}}}}")
    give(workspace, "lpips-trunk")
    for there, expected, code in ((None, "missing", 3), (object(), "package", 0)):
        monkeypatch.setattr("koma.cli.modelling.find_spec", lambda _name, there=there: there)
        assert states(workspace, code=code)["lpips-heads"] == expected


def test_another_file_in_its_place_is_told(workspace):
    gates(workspace, "{identity: ccip}")
    give(workspace, "ccip-features")
    give(workspace, "ccip-metric")
    workspace.write("models/ccip-metric.onnx", onnx(note=b"!"))
    assert states(workspace, code=1) == {"ccip-features": "ok", "ccip-metric": "broken"}
    assert "--replace" in models(workspace)["ccip-metric"]["do"]


def test_a_file_that_nobody_recorded_is_found(workspace):
    gates(workspace, "{identity: ccip}")
    file = workspace.write("models/ccip-metric.onnx", onnx())
    found = models(workspace, code=3)["ccip-metric"]
    assert "nobody recorded it" in found["message"]
    assert workspace.koma("models", "add", "ccip-metric", str(file)).code == 0
    assert states(workspace)["ccip-metric"] == "ok"
    assert file.read_bytes() == onnx()


def test_a_broken_record_is_told_with_its_place(workspace):
    gates(workspace, "{identity: ccip}")
    give(workspace, "ccip-features")
    workspace.edit(LOCK, '"bytes": ', '"bytes": -0.')
    done = workspace.koma("models")
    assert done.code == 1
    assert "models/models.json:4:5: error: `bytes` of ccip-features is" in done.out
    assert give(workspace, "ccip-metric", code=1).err.startswith("koma: models/models.json:4:5")
    assert "koma models add ccip-features FILE --replace" in done.out
    give(workspace, "ccip-features", "--replace")
    assert states(workspace)["ccip-features"] == "ok"


def test_the_folder_is_a_setting(workspace, tmp_path):
    workspace.append("koma.yaml", f"paths: {{models: {tmp_path / 'elsewhere'}}}\n")
    give(workspace, "ccip-metric")
    assert (tmp_path / "elsewhere/ccip-metric.onnx").is_file()
    assert not (workspace.root / "models").exists()


# -- adding -------------------------------------------------------------------------------------------------------------


def test_a_file_is_copied_and_recorded(workspace):
    done = give(workspace, "face-detector")
    digest = hashlib.sha256(onnx()).hexdigest()
    assert digest in done.out
    assert "commercial use: no" in done.out
    assert (workspace.root / "models/face-detector.onnx").read_bytes() == onnx()
    entry = recorded(workspace)["face-detector"]
    assert (entry["sha256"], entry["bytes"], entry["commercial"]) == (digest, len(onnx()), False)
    assert entry["licence"] == KNOWN["face-detector"].licence


def test_adding_it_again_changes_nothing(workspace):
    give(workspace, "face-detector", "--licence", "MIT", "--commercial", "yes")
    before = workspace.read(LOCK)
    give(workspace, "face-detector")
    assert workspace.read(LOCK) == before


def test_a_model_of_another_licence_may_take_a_known_place(workspace):
    give(workspace, "face-detector", "--licence", " MIT ", "--commercial", "yes")
    entry = recorded(workspace)["face-detector"]
    assert (entry["licence"], entry["commercial"]) == ("MIT", True)


def test_another_file_needs_to_be_meant(workspace):
    give(workspace, "face-detector", "--licence", "MIT", "--commercial", "yes")
    other = onnx(note=b"!")
    done = give(workspace, "face-detector", content=other, code=1)
    assert "another file is recorded as face-detector" in done.err
    assert (workspace.root / "models/face-detector.onnx").read_bytes() == onnx()
    give(workspace, "face-detector", "--replace", content=other)
    assert (workspace.root / "models/face-detector.onnx").read_bytes() == other
    entry = recorded(workspace)["face-detector"]
    assert (entry["sha256"], entry["commercial"]) == (hashlib.sha256(other).hexdigest(), False)  # what was said was said of the other file


REFUSED = {
    "an empty file": ("face-detector", "a.onnx", b"", 1, "0 bytes"),
    "safetensors that are cut off": ("lpips-trunk", "a.safetensors", safetensors()[:-4], 1, "cut off"),
    "ONNX that is cut off": ("face-detector", "a.onnx", onnx(initializer=field(9, bytes(99)))[:-50], 1, "cut off"),
    "safetensors for an ONNX model": ("face-detector", "a.onnx", safetensors(), 1, "det_10g.onnx of the insightface model pack"),
    "ONNX for safetensors": ("lpips-trunk", "a.safetensors", onnx(), 1, "as a .safetensors file"),
    "a pickle for an ONNX model": ("face-detector", "a.pth", b"PK\x03\x04", 1, "can't be made into the other"),
    "a pickle under another name": ("face-detector", "a.onnx", b"\x80\x02}q", 1, "can't be made into the other"),
    "an unknown name": ("face-detecter", "a.onnx", onnx(), 2, "face-detector"),
    "a name like nothing": ("zzz", "a.onnx", onnx(), 2, "one of face-detector, face-recogniser"),
}


@pytest.mark.parametrize(("name", "file", "content", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_used_is_refused_and_leaves_nothing(workspace, name, file, content, code, words):
    given = workspace.write(f"given/{file}", content)
    done = workspace.koma("models", "add", name, str(given))
    assert (done.code, words in done.err) == (code, True), done
    assert "\n  do: " in done.err
    assert not list((workspace.root / "models").glob("*")) + list((workspace.root / "models").glob(".*"))


def test_a_file_that_is_not_there_and_a_folder_are_refused(workspace):
    for path, words in ((workspace.root / "nothing.onnx", "there is no file"), (workspace.root, "is a folder")):
        done = workspace.koma("models", "add", "face-detector", str(path))
        assert (done.code, words in done.err) == (2, True), done


@pytest.mark.parametrize("given", [["--licence", "MIT"], ["--commercial", "yes"]], ids=lambda given: given[0])
def test_a_licence_and_what_it_allows_are_said_together(workspace, given):
    assert "recorded together" in give(workspace, "face-detector", *given, code=2).err


def test_a_disk_that_is_full_leaves_what_was_there(workspace, monkeypatch):
    give(workspace, "face-detector")

    def full(_source, part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("koma.app.adding.shutil.copyfile", full)
    done = give(workspace, "face-detector", "--replace", content=onnx(note=b"!"), code=1)
    assert "No space left on device" in done.err
    assert sorted(file.name for file in (workspace.root / "models").iterdir()) == ["face-detector.onnx", "models.json"]
    assert states(workspace, "--all")["face-detector"] == "ok"


def test_a_pickle_needs_what_converts_it(workspace, monkeypatch):
    monkeypatch.setattr(conversion, "find_spec", lambda _name: None)
    done = give(workspace, "lpips-trunk", content=b"PK\x03\x04", file="given/alexnet.pth", code=1)
    assert "the Python package `torch` is not installed" in done.err
    assert "make quality-cpu" in done.err
    assert not list((workspace.root / "models").iterdir())


def test_a_pickle_is_recorded_as_what_it_was_converted_to(workspace, monkeypatch):
    monkeypatch.setattr(conversion, "convert", lambda _source, target: target.write_bytes(safetensors()))
    give(workspace, "lpips-trunk", content=b"PK\x03\x04", file="given/alexnet.pth")
    assert recorded(workspace)["lpips-trunk"]["sha256"] == hashlib.sha256(safetensors()).hexdigest()
    assert states(workspace, "--all")["lpips-trunk"] == "ok"


# -- commercial projects ------------------------------------------------------------------------------------------------


def forbidden(workspace):
    found = workspace.koma("check", "--json").json["problems"]
    return [(p["severity"], p["file"], p["line"]) for p in found if p["code"] == "forbidden-model"]


LINE = 8  # where `gates` is appended to the project
COMMERCIAL = {
    "identity by faces, where it stands": ("{identity: arcface}", [LINE]),
    "identity of drawn characters is fine": ("{identity: ccip}", []),
    "identity by colours is fine": ("{identity: palette}", []),
    "the profile standard for drawn pictures is fine": ("{profile: standard}", []),
    "a rule of its own, where it stands": (
        "\n  rules:\n    still:\n      face-count: {equals: 1}",
        [LINE + 3],
    ),
}


@pytest.mark.parametrize(("text", "lines"), COMMERCIAL.values(), ids=COMMERCIAL)
def test_a_commercial_project_is_told_what_it_must_not_use(workspace, text, lines):
    gates(workspace, text, commercial=True)
    assert forbidden(workspace) == [("error", PROJECT, line) for line in lines]


def test_a_photographic_style_is_recognised_by_faces_unless_somebody_chooses(workspace):
    workspace.write("projects/demo/style.yaml", "kind: style\nid: film\nlook: photographic\n")
    workspace.append(PROJECT, "style: film\n")
    gates(workspace, commercial=True)
    found = [p for p in workspace.koma("check", "--json").json["problems"] if p["code"] == "forbidden-model"]
    assert {p["path"] for p in found} == {"gates.profile"}
    assert any("`identity: ccip`" in p["hint"] for p in found)


def test_a_threshold_that_demands_it_is_where_it_stands(workspace):
    threshold = "{metric: face-quality, min: 0.8, required: true}"
    workspace.write("projects/demo/faces.yaml", f"kind: tuning\nid: faces\nthresholds:\n  - {threshold}\n")
    workspace.append(PROJECT, "commercial: true\n")
    assert forbidden(workspace) == [("error", "projects/demo/faces.yaml", 4)]
    assert models(workspace, code=1)["face-detector"]["needed_by"] == [
        {"project": "demo", "metric": "face-quality", "field": "thresholds.0", "required": True, "tuning": "faces"}
    ]


def test_a_model_that_is_allowed_settles_it(workspace):
    gates(workspace, "{rules: {still: {face-count: {equals: 1}}}}", commercial=True)
    assert len(forbidden(workspace)) == 1
    assert states(workspace, code=1) == {"face-detector": "forbidden"}
    give(workspace, "face-detector", "--licence", "MIT", "--commercial", "yes")
    assert forbidden(workspace) == []
    assert states(workspace, code=0) == {"face-detector": "ok"}


def test_a_plan_shows_it_and_goes_on(workspace):
    gates(workspace, "{identity: arcface}", commercial=True)
    done = workspace.koma("plan")
    assert "[forbidden-model]" in done.out
    assert "4 to render" in done.out


def test_the_same_gates_without_commerce_are_fine(workspace):
    gates(workspace, "{identity: arcface}")
    assert forbidden(workspace) == []


# -- koma doctor --------------------------------------------------------------------------------------------------------


def finding(workspace, item):
    return next((f["level"], f["message"], f["fix"]) for f in workspace.koma("doctor", "--json").json["findings"] if f["item"] == item)


def test_doctor_finds_nothing_to_say_where_nothing_is_needed(workspace):
    assert finding(workspace, "models") == ("ok", "no project here needs one", "")
    assert finding(workspace, "extras")[0] == "ok"


def test_doctor_tells_what_is_missing(workspace, monkeypatch):
    monkeypatch.setattr("koma.cli.equipment.find_spec", lambda _name: None)
    gates(workspace, "{identity: ccip}")
    level, message, fix = finding(workspace, "models")
    assert (level, "ccip-features, ccip-metric missing" in message, "koma models" in fix) == ("warn", True, True)
    level, message, fix = finding(workspace, "extras")
    assert (level, "onnxruntime" in message, "make quality-cpu" in fix) == ("warn", True, True)


def test_doctor_fails_on_another_file_and_on_a_broken_record(workspace):
    gates(workspace, "{identity: ccip}")
    give(workspace, "ccip-metric")
    workspace.write("models/ccip-metric.onnx", onnx(note=b"!"))
    assert finding(workspace, "models")[0] == "FAIL"
    workspace.write(LOCK, "{")
    level, message, _ = finding(workspace, "models")
    assert (level, message.startswith("models/models.json:1:2:")) == ("FAIL", True)


def test_doctor_fails_on_two_runtimes(workspace, monkeypatch):
    monkeypatch.setattr("koma.measures.learned.runtime.installed", lambda: {"onnxruntime": "1", "onnxruntime-gpu": "1"})
    level, message, fix = finding(workspace, "extras")
    assert (level, "onnxruntime-gpu" in message, "uninstall" in fix) == ("FAIL", True, True)


# -- what it costs ------------------------------------------------------------------------------------------------------


SHOWN = "{profile: own, rules: {all: {face-count: {min: 0, required: false}}}}"


def test_a_model_that_comes_is_measured_with_and_nothing_renders(tmp_path, server):
    made = story(tmp_path / "w", comfyui_config(server.url))
    gates(made, SHOWN)
    made.once()
    give(made, "lpips-trunk")
    assert made.actions() == {}
    give(made, "face-detector")
    assert set(made.actions().values()) == {("measure", "metric-changed")}


def test_a_model_that_is_forbidden_changes_nothing(tmp_path, server):
    made = story(tmp_path / "w", comfyui_config(server.url))
    gates(made, SHOWN, commercial=True)
    made.once()
    give(made, "face-detector")
    assert made.actions() == {}
    give(made, "face-detector", "--licence", "MIT", "--commercial", "yes")
    assert set(made.actions().values()) == {("measure", "metric-changed")}
