"""A workspace of any size in which everything has been rendered and published, for measuring plans.

`generate` writes the documents; `publish_all` fills the state store through Koma's own code, with the keys that a plan asks for, and puts
small files where the outputs lie. One target per shot: its still, which reads the shared template `still` and no other target.
"""

import argparse
import os
import shutil
import sys
import time
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "harbour"
SHOTS_IN_SCENE = 10
HERO = "aki"  # in every shot
OTHERS = ("ren", "mio", "taro", "yuki")
LOCATIONS = ("alley", "pier", "temple", "market", "roof", "station", "bridge", "kitchen")
FRAMINGS = ("wide", "medium", "close-up", "full", "over-shoulder", "extreme-wide")
ANGLES = ("eye", "low", "high", "dutch")
MOVES = ("static", "tracking", "pan", "dolly")
ACTIONS = ("walks out of the steam, collar up", "turns the page", "looks up at the lanterns", "runs for the last ferry", "waits")
EXPRESSIONS = ("determined", "smile", "worried")
POSES = ("walking", "sitting")
WRITTEN_SECONDS_AGO = 60.0
PICTURE_SECONDS = 14.0

CONFIG = """\
rendition: final
watch: [projects/*]
backends:
  - {name: nowhere, kind: comfyui, url: "http://127.0.0.1:9"}
http: {enabled: false}
"""
DOCUMENTS = {
    "project.yaml": f"""\
kind: project
id: {PROJECT}
title: Harbour
width: 768
height: 432
fps: 24
style: ink
bible: harbour
prompt: hand-drawn anime, clean lines
negative: text, watermark
phases: [still]
templates: {{still: still}}
defaults:
  shot: {{framing: medium, camera: {{move: static}}, frames: 48}}
""",
    "bible.yaml": """\
kind: story-bible
id: harbour
title: Harbour
premise: A lamplighter keeps one street lit through a rainy night.
world:
  description: A harbour city where it has rained for eleven days.
  prompt: rainy harbour city, paper lanterns
  negative: cars
""",
    "style.yaml": """\
kind: style
id: ink
title: Ink night
look: drawn
prompt: ink lines, flat colours, deep shadows
negative: photo, 3d render
checkpoint: anime.safetensors
loras:
  - {name: ink-wash.safetensors, strength: 0.6}
""",
}


def character(name: str, number: int) -> str:
    """One character document, with a palette, two versions, two outfits, expressions and poses."""
    shade = f"{(number * 37) % 256:02x}"
    return f"""\
kind: character
id: {name}
name: {name.title()}
base_prompt: young person number {number}, short black hair, freckles
negative: jewellery
traits: {{build: slight, hands: ink-stained}}
palette:
  hair: "#2b2d{shade}"
  eyes: "#e09f{shade}"
  skin: "#f2d3b3"
  outfit: "#3356{shade}"
  primary: "#9e2a2b"
  accent: "#fff3b0"
versions:
  adult: {{age: 22}}
  child: {{age: 8, base_prompt: small child, height: 0.6}}
outfits:
  raincoat: oilskin raincoat, hood down
  festival: {{prompt: indigo yukata, palette: {{outfit: "#3d348b"}}}}
expressions:
  determined: brows drawn, mouth set
  smile: {{prompt: small smile, negative: open mouth}}
  worried: eyes wide
poses:
  walking: walking, lantern pole over the shoulder
  sitting: sitting on a step
default_version: adult
default_outfit: raincoat
"""


def location(name: str) -> str:
    """One location document."""
    return f"""\
kind: location
id: {name}
name: The {name}
prompt: "{name} at the harbour, wet stone, paper lanterns"
negative: people in the background
palette: ["#1b263b", "#415a77", "#e09f3e"]
time: night
weather: rain
"""


def scene(number: int, shots: int) -> str:
    """One scene document with that many shots; the hero is in each, every other shot has one more character."""
    head = f"""\
kind: scene
id: s{number:04d}
title: Scene {number}
episode: e{number // 100:02d}
location: {LOCATIONS[number % len(LOCATIONS)]}
time: night
mood: tense
characters:
  - {{id: {HERO}, version: adult, outfit: raincoat}}
shots:
"""
    return head + "".join(shot(number, index) for index in range(shots))


def shot(scene_number: int, index: int) -> str:
    """One shot."""
    count = scene_number * SHOTS_IN_SCENE + index
    other = OTHERS[count % len(OTHERS)]
    cast = [f"{{id: {HERO}, expression: {EXPRESSIONS[count % 3]}, pose: {POSES[count % 2]}, position: center}}"]
    cast += [f"{{id: {other}, expression: {EXPRESSIONS[(count + 1) % 3]}, position: left}}"] if count % 2 else []
    return f"""\
  - id: sh{(index + 1) * 10:03d}
    framing: {FRAMINGS[count % len(FRAMINGS)]}
    angle: {ANGLES[count % len(ANGLES)]}
    camera: {{move: {MOVES[count % len(MOVES)]}}}
    action: {ACTIONS[count % len(ACTIONS)]}
    characters: [{", ".join(cast)}]
    frames: {48 + count % 5 * 24}
    seed: {count + 1}
    dialogue: [{{id: l1, who: {HERO}, text: "You're late, again ({count})."}}]
"""


def scene_file(number: int) -> str:
    """Path of a scene's file, relative to the workspace."""
    return f"projects/{PROJECT}/scenes/e{number // 100:02d}/s{number:04d}.yaml"


def generate(workspace: Path, shots: int) -> None:
    """Write documents, references, templates and settings. Raises FileExistsError if there is a workspace already."""
    project = workspace / "projects" / PROJECT
    project.mkdir(parents=True)
    (workspace / "koma.yaml").write_text(CONFIG, encoding="utf-8")
    documents = {f"projects/{PROJECT}/{name}": text for name, text in DOCUMENTS.items()}
    documents |= {f"projects/{PROJECT}/characters/{name}.yaml": character(name, n) for n, name in enumerate((HERO, *OTHERS))}
    documents |= {f"projects/{PROJECT}/locations/{name}.yaml": location(name) for name in LOCATIONS}
    scenes = range((shots + SHOTS_IN_SCENE - 1) // SHOTS_IN_SCENE)
    documents |= {scene_file(n): scene(n, min(SHOTS_IN_SCENE, shots - n * SHOTS_IN_SCENE)) for n in scenes}
    for path, text in documents.items():
        file = workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _draw_references(project)
    shutil.copytree(ROOT / "templates", workspace / "templates")
    _age(workspace)


def _draw_references(project: Path) -> None:
    from PIL import Image

    for number, name in enumerate((HERO, *OTHERS)):
        folder = project / "references" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (512, 512), (40 * number, 90, 120)).save(folder / "face.png")


def _age(workspace: Path) -> None:
    """Make every file look as if it had been written a while ago: one written just now is read again, whatever the cache says."""
    then = time.time_ns() - round(WRITTEN_SECONDS_AGO * 1e9)
    for folder, _, files in os.walk(workspace):
        for name in files:
            os.utime(Path(folder, name), ns=(then, then))


def publish_all(workspace: Path) -> int:
    """Record a passed take for every target that a plan would render, with its object and its output, and return how many that were."""
    from koma.app.workspace import App
    from koma.core.words import ActionKind
    from koma.stores.put import put_published, put_take

    with App.open(workspace, writes=True) as app:
        survey = app.surveyor.survey(app.config.rendition)
        if survey.wanted.problems:
            raise AssertionError("\n".join(map(str, survey.wanted.problems)))
        picture = _object(app)
        rows = [_made(app, survey, action, picture) for action in survey.plan.actions if action.action is ActionKind.RENDER]
        with app.store._writing("recording what the benchmark pretends to have rendered") as connection:
            for take, published in rows:
                put_take(connection, take)
                put_published(connection, published)
        _write_outputs(app.config.paths.outputs, [published.path for _, published in rows], picture)
    return len(rows)


def _object(app):
    """Put one picture into the object store, which all takes share, and give its file."""
    file = app.config.workspace / f"projects/{PROJECT}/references/{HERO}/face.png"
    app.objects.put(file)
    return file


def _made(app, survey, action, picture: Path):
    """Take and published row of one target, as a render of it would have left them."""
    from koma.core.facts import facts_of
    from koma.core.gate import Check, GateResult, Op, Rule
    from koma.core.keys import take_key
    from koma.core.media import Artifact, Media, Role
    from koma.core.rows import Published
    from koma.core.take import Take
    from koma.core.words import BackendKind, Verdict

    target, data = action.target, picture.read_bytes()
    world = app.desires.world(survey.wanted.projects[target.project])
    draft = app.drafting.drafts[f"{target.id}:{target.rendition}"]
    content = sha256(target.id.encode()).hexdigest()
    rule = Rule("decodes", Op.AT_LEAST, 1.0)
    take = Take(
        take_key=take_key(target.id, target.rendition, action.key, 1, draft.seed),
        target=target.id,
        rendition=target.rendition,
        render_key=action.key,
        number=1,
        seed=draft.seed,
        backend=BackendKind(target.backend),
        template=target.template,
        artifacts=(Artifact(Role.OBJECT, Media.IMAGE, sha256(data).hexdigest(), content, ".png", len(data), 768, 432),),
        measure_key=target.measure_key,
        measurements=(),
        rules_digest=target.rules_digest,
        gate=GateResult(Verdict.PASSED, (Check(rule, 1.0, Verdict.PASSED, "decodes 1 is >= 1"),)),
        decided=True,
        failure=None,
        render_seconds=PICTURE_SECONDS,
        finished_at=time.time(),
        facts=facts_of(world, draft, target.facts_digest),
        receipt={"parameters": draft.params},
    )
    path = f"{target.stem}{target.suffix}"
    keys = (target.id, target.rendition, take.take_key, action.key, path, len(data), str(Verdict.PASSED))
    return take, Published(*keys, target.measure_key, target.rules_digest, content, decided=True)


def _write_outputs(outputs: Path, paths: list[str], picture: Path) -> None:
    data = picture.read_bytes()
    for path in paths:
        file = outputs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def make(workspace: Path, shots: int) -> None:
    """Generate and publish, and say how long it took."""
    begun = time.perf_counter()
    generate(workspace, shots)
    count = publish_all(workspace)
    seconds = time.perf_counter() - begun
    files = (shots + SHOTS_IN_SCENE - 1) // SHOTS_IN_SCENE
    sys.stdout.write(f"{shots} shots in {files} scene files, {count} targets published: made in {seconds:.1f} s\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path, help="a folder that is not there yet")
    parser.add_argument("--shots", type=int, default=10_000)
    wanted = parser.parse_args()
    make(wanted.workspace, wanted.shots)
