"""The daemon killed while a real ComfyUI renders, again and again: nothing is lost, and the server executed every picture once.

Needs a server in KOMA_COMFYUI_URL, no models: the graphs make noise and blur it for a second or two. Without one nothing is measured.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from support.real_server import RealServer
from support.workspaces import Process, Workspace, comfyui_config, eventually, story

KILLS = 50
BLURS = range(10, 12)  # a wide kernel that changes next to nothing: blurred noise would be blank
WAITS = (0.0, 0.05, 0.2, 0.5, 1.0)  # seconds between the sight of a running prompt and the kill


def workspace(root: Path, url: str, project: str, shots: int) -> Workspace:
    """One scene of stills, each with a seed of its own, of a template that takes its time."""
    made = story(root, comfyui_config(url))
    graph = made.read("templates/noise/graph.json.j2").rstrip().removesuffix("}")
    blurs = "".join(
        f', "{number}": {{"class_type": "ImageBlur", "inputs": '
        f'{{"image": ["{2 if number == BLURS[0] else number - 1}", 0], "blur_radius": 31, "sigma": 0.2}}}}\n'
        for number in BLURS
    )
    made.write("templates/noise/graph.json.j2", graph.replace('"images": ["2", 0]', f'"images": ["{BLURS[-1]}", 0]') + blurs + "}\n")
    for file in (made.root / "projects/demo").iterdir():
        file.unlink()
    size = "width: 512\nheight: 512\n"
    made.write("projects/demo/project.yaml", f"kind: project\nid: {project}\n{size}templates: {{still: noise}}\ngates: {{profile: own}}\n")
    seed = time.time_ns() % 2**31
    lines = [f"  - {{id: sh{number:03d}, action: walks, seed: {seed + number}, phases: [still]}}" for number in range(shots)]
    made.write("projects/demo/s01.yaml", "\n".join(["kind: scene", "id: s01", "shots:", *lines, ""]))
    return made


def kill_once(process: Process, server: RealServer, rng: Random) -> bool:
    """Kill the daemon while a prompt of ours runs; whether it still ran a moment later. False too where there was nothing left to do."""
    eventually(lambda: server.running() or process.popen.poll() is not None, "a prompt runs at the server", seconds=120)
    if process.popen.poll() is not None:
        assert process.popen.returncode == 0, process.said
        return False
    time.sleep(rng.choice(WAITS))
    running = bool(server.running())
    process.kill()
    return running


def measure(share: float) -> list[Row]:
    """Kill the daemon `KILLS` times, or a share of that."""
    url = os.environ.get("KOMA_COMFYUI_URL", "").rstrip("/")
    if not url:
        sys.stderr.write("real_server: not measured: KOMA_COMFYUI_URL names no server\n")
        return []
    rng, kills = Random(7), max(1, round(KILLS * share))
    fired: Counter[str] = Counter({"killed while a prompt ran": 0, "killed between prompts": 0})
    with tempfile.TemporaryDirectory(prefix="koma-kills-") as folder:
        project = f"kills-{time.time_ns():x}"
        server, made = RealServer(url, project), workspace(Path(folder), url, project, kills * 2)
        while fired["killed while a prompt ran"] < kills:
            with made.start("run", "--once") as process:
                while_running = kill_once(process, server, rng)
            if process.popen.returncode == 0:
                break
            fired["killed while a prompt ran" if while_running else "killed between prompts"] += 1
        with made.start("run", "--once") as process:
            code = process.popen.wait(1200)
        executed = Counter(server.rendered())
        there = len(list(made.root.glob(f"outputs/{project}/s01/*/still.png")))
    lost, twice = kills * 2 - there, sum(count - 1 for count in executed.values())
    figure = f"{sum(fired.values())} kills, {kills * 2} pictures: {lost} lost, {twice} rendered twice"
    fired = Counter({name: count for name, count in fired.items() if count or name == "killed while a prompt ran"})
    enough = fired["killed while a prompt ran"] >= kills
    good = enough and code == 0 and lost == 0 and twice == 0
    return [Row("daemon killed mid-prompt on a real server", "50 times: 0 lost, 0 rendered twice", figure, good, fired)]


if __name__ == "__main__":
    sys.exit(main(measure))
