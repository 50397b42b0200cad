"""The daemon for half an hour against a server that misbehaves at random, while people edit, drop pictures, and change their minds.

Longer: `--minutes 480`, or KOMA_SOAK_MINUTES. Memory and descriptors are those of the process that works, read from /proc; the first third
of the time is its warm-up. In the end the faults stop, what a person would have to decide is decided, and everything that is wanted by then
has to be there.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main  # needs the path above
from koma.core.wish import Request, Wish
from koma.sources.inbox import Inbox
from support.fake_comfyui_faults import Fault, Faults
from support.served import ServedComfyUI
from support.workspaces import Process, comfyui_config, eventually, picture, story

MINUTES = 30.0
SHORTEST = 15.0  # seconds
SEED = 5
SCENES, SHOTS = 3, 6
MOST_SHOTS = 12
STEP_SECONDS = 0.5  # between two things that people do
SAMPLE_SECONDS = 0.5
GROWTH, SHORT_GROWTH = 0.05, 0.30  # of memory; a short run is hardly past its warm-up
LONG_MINUTES = 5.0
ROTATE_MEGABYTES, KEEP = 0.2, 2
CONVERGE_SECONDS = 300.0
FLAT, SHORT_FLAT = 1, 8  # descriptors: a connection that happens to be open; a short run is hardly past its warm-up
WAL_BYTES = 80 << 20  # of the state store and the cache, at most

QUICK = [
    Fault.LOST_REPLY, Fault.LATE_ACCEPT, Fault.DUPLICATE_RUN, Fault.PARTIAL_NODE_ERRORS, Fault.GARBAGE_PROMPT, Fault.GARBAGE_QUEUE,
    Fault.GARBAGE_HISTORY, Fault.GARBAGE_FILE, Fault.ERROR_500, Fault.ERROR_503, Fault.DROPPED_WEBSOCKET, Fault.SILENT_WEBSOCKET,
    Fault.RESTART, Fault.RESTART_AFTER, Fault.OUT_OF_MEMORY, Fault.NODE_ERROR, Fault.DISK_FULL, Fault.NO_FILES, Fault.CACHED_AND_DELETED,
    Fault.LOST_FILE, Fault.BLACK_FILE, Fault.TRUNCATED_FILE, Fault.DEAD_WORKER, Fault.HANG, Fault.IGNORED_INTERRUPT,
]  # fmt: skip
HANGING = frozenset({Fault.DEAD_WORKER, Fault.HANG, Fault.IGNORED_INTERRUPT})
HUNG_SECONDS = 6.0  # after which somebody restarts a server that hangs
BROKEN = "kind: scene\nid: s01\n  title: [\n"
WAITS = (
    "gate-failed",
    "render-failed",
    "resting",
    "circuit-open",
    "cancelled",
    "measure-failed",
    "unmeasured",
    "missing",
)  # a person's turn: so they are tried again in the end


class Sample(NamedTuple):
    """One look at the process: resident bytes, and open descriptors."""

    memory: int
    descriptors: int


class Soak:
    """The workspace, the server, the people, and what was seen of the daemon."""

    def __init__(self, root: Path, server: ServedComfyUI, seed: int) -> None:
        self.random = Random(seed)
        self.server = server
        self.port = free_port()
        self.workspace = story(root, config(server.url, self.port))
        self.inbox = Inbox(root / "outputs/.koma/inbox")
        self.scenes = {f"s{number:02d}": {f"sh{shot:03d}": 1 for shot in range(SHOTS)} for number in range(1, SCENES + 1)}
        self.past: list[Mapping[str, Mapping[str, int]]] = []
        self.done: Counter[str] = Counter()
        self.bag: list[Fault] = []
        self.restart_at = float("inf")
        self.samples: list[Sample] = []
        self.write_scenes()

    # -- what people do ---------------------------------------------------------------------------------------------------

    def write_scenes(self) -> None:
        for name, shots in self.scenes.items():
            self.workspace.write(f"projects/demo/{name}.yaml", scene_text(name, shots))
        self.past = [*self.past, {name: dict(shots) for name, shots in self.scenes.items()}][-20:]

    def edit(self) -> None:
        """Give some shots another seed."""
        shots = self.scenes[self.random.choice(list(self.scenes))]
        for name in self.random.sample(list(shots), min(2, len(shots))):
            shots[name] = self.random.randrange(1, 10_000)
        self.write_scenes()

    def add(self) -> None:
        shots = self.scenes[self.random.choice(list(self.scenes))]
        if len(shots) < MOST_SHOTS:
            shots[f"sh{self.random.randrange(100, 999)}"] = 1
            self.write_scenes()

    def remove(self) -> None:
        shots = self.scenes[self.random.choice(list(self.scenes))]
        if len(shots) > 2:
            del shots[self.random.choice(list(shots))]
            self.write_scenes()

    def check_out(self) -> None:
        """Go back to how everything was some edits ago, as git does."""
        self.scenes = {name: dict(shots) for name, shots in self.random.choice(self.past).items()}
        self.write_scenes()

    def break_a_file(self) -> None:
        self.workspace.write("projects/demo/s01.yaml", BROKEN)

    def drop_a_reference(self) -> None:
        number = self.random.randrange(6)
        self.workspace.write(f"projects/demo/references/aki/{number}.png", picture(self.random.randrange(1000)))

    def delete_an_output(self) -> None:
        found = sorted((self.workspace.root / "outputs/demo").glob("s*/*/still.png"))
        if found:
            self.random.choice(found).unlink(missing_ok=True)

    def pause(self) -> None:
        self.inbox.leave(Request(Wish.PAUSE))

    def resume(self) -> None:
        self.inbox.leave(Request(Wish.RESUME))

    def cancel(self) -> None:
        self.inbox.leave(Request(Wish.CANCEL, (self.target(),)))

    def retry(self) -> None:
        self.inbox.leave(Request(Wish.RETRY, (self.target(),)))

    def collect(self) -> None:
        self.inbox.leave(Request(Wish.COLLECT, days=0.0))

    def scrape(self) -> None:
        """Look at the pages that it serves."""
        for page in ("metrics", "healthz", "status.json"):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{page}", timeout=10) as answer:
                answer.read()

    def go_away(self) -> None:
        """The server is killed, and comes back a little later."""
        self.restart_at = float("inf")
        self.server.go_away()
        time.sleep(self.random.random())
        self.server.come_back()

    def misbehave(self) -> None:
        """Let the server do the next thing wrong; every one comes before any comes again."""
        if not self.bag:
            self.bag = self.random.sample(QUICK, len(QUICK))
        fault = self.bag.pop()
        self.server.arm(fault)
        if fault in HANGING:
            self.restart_at = time.monotonic() + HUNG_SECONDS

    def wait(self) -> None:
        """Nobody does anything."""

    def target(self) -> str:
        scene = self.random.choice(list(self.scenes))
        return f"demo/{scene}/{self.random.choice(list(self.scenes[scene]))}"

    def step(self) -> None:
        """Do one thing."""
        acts: Sequence[tuple[int, Callable[[], None]]] = (
            (6, self.edit), (2, self.add), (2, self.remove), (1, self.check_out), (1, self.break_a_file), (1, self.drop_a_reference),
            (2, self.delete_an_output), (1, self.pause), (6, self.resume), (1, self.cancel), (2, self.retry), (1, self.collect),
            (3, self.scrape), (1, self.go_away), (4, self.misbehave), (20, self.wait),
        )  # fmt: skip
        act = self.random.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        act()
        self.done[act.__name__] += 1
        if time.monotonic() >= self.restart_at:
            self.go_away()

    # -- what is seen -----------------------------------------------------------------------------------------------------

    def live(self, daemon: Process, seconds: float) -> None:
        """Let people and server go on for so long, and sample the daemon."""
        end, next_sample = time.monotonic() + seconds, 0.0
        self.server.arm(Fault.LOST_REPLY)
        while time.monotonic() < end:
            assert daemon.popen.poll() is None, f"the daemon ended: {daemon.said[-4000:]}"
            self.step()
            if time.monotonic() >= next_sample:
                self.samples.append(sample(daemon.popen.pid))
                next_sample = time.monotonic() + SAMPLE_SECONDS
            time.sleep(STEP_SECONDS)

    def converge(self, daemon: Process) -> list[str]:
        """Stop the faults, decide what waits for a person, and wait until everything is there; what is not."""
        self.server.fake.faults = Faults()
        self.go_away()  # nothing hangs in a new process
        self.write_scenes()
        self.resume()
        deadline = time.monotonic() + CONVERGE_SECONDS
        while (left := self.left()) and time.monotonic() < deadline:
            assert daemon.popen.poll() is None, f"the daemon ended: {daemon.said[-4000:]}"
            stuck = tuple(name for name, (_, reason) in left.items() if reason in WAITS)
            if stuck:
                self.inbox.leave(Request(Wish.RETRY, stuck))
            time.sleep(1.0)
        return [f"{name}: {action} ({reason})" for name, (action, reason) in left.items()]

    def left(self) -> dict[str, tuple[str, str]]:
        """What is not as wanted yet, looked at by a process of its own: target → action and reason."""
        command = [sys.executable, "-m", "koma", "--workspace", str(self.workspace.root), "plan", "--json"]
        plan = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout)
        problems = {
            f"problem in {problem['file']}": ("hold", problem["code"]) for problem in plan["problems"] if problem["severity"] == "error"
        }
        return {action["target"]: (action["action"], action["reason"]) for action in plan["actions"]} | problems

    @property
    def shots(self) -> list[str]:
        """Stills that are wanted now."""
        return [f"demo/{scene}/{shot}/still" for scene, shots in self.scenes.items() for shot in shots]

    def missing(self) -> list[str]:
        """Wanted shots that have no picture."""
        return [f"{target}: no file" for target in self.shots if not self.workspace.output(target, ".png").is_file()]

    def logs(self) -> int:
        """Bytes of all that grows beside the outputs: event log, write-ahead logs, wishes, scratch."""
        private = self.workspace.root / "outputs/.koma"
        found = [*(private / "logs").iterdir(), *private.glob("*.db-wal"), *(private / "inbox").iterdir(), *(private / "tmp").rglob("*")]
        return sum(file.stat().st_size for file in found if file.is_file())


def measure(share: float) -> list[Row]:
    """Measure the rows; `share` of the half hour."""
    seconds = max(SHORTEST, minutes() * 60 * share)
    with tempfile.TemporaryDirectory(prefix="koma-soak-") as folder, ServedComfyUI() as server:
        soak = Soak(Path(folder) / "workspace", server, SEED)
        with soak.workspace.start("run") as daemon:
            eventually(lambda: soak.workspace.events("reconcile_complete"), "the first pass is over", process=daemon)
            soak.live(daemon, seconds)
            fired = server.fake.faults.fired
            lost = soak.converge(daemon) + soak.missing()
            status = daemon.stop()
        return rows(soak, seconds / 60, lost, status, fired)


def rows(soak: Soak, lasted: float, lost: Sequence[str], status: int, fired: Mapping[Fault, int]) -> list[Row]:
    """Say what came of it: memory, descriptors, files, and what was lost."""
    most, flat = (GROWTH, FLAT) if lasted >= LONG_MINUTES else (SHORT_GROWTH, SHORT_FLAT)
    memory = [seen.memory for seen in soak.samples]
    growth = late(memory) / early(memory) - 1
    descriptors = [seen.descriptors for seen in soak.samples]
    more = late(descriptors) - early(descriptors)
    happened = {"faults of the server": sum(fired.values()), **soak.done} | (
        {str(f): fired[f] for f in QUICK} if lasted >= LONG_MINUTES else {}
    )
    faults = {"faults of the server": sum(fired.values())}
    what = f"soak, {lasted:.1f} minutes"
    notes = "; ".join([f"seed {SEED}", f"{sum(map(bool, fired.values()))} kinds of faults", *lost])
    size = f"{early(memory) / 1e6:.0f} MB, then {late(memory) / 1e6:.0f} MB, {growth:+.1%}"
    bound = ROTATE_MEGABYTES * 1e6 * (KEEP + 1) * 2 + WAL_BYTES
    return [
        Row(f"{what}: what is wanted", "0 lost", f"{len(lost)} lost of {len(soak.shots)} shots", not lost and status == 0, happened, notes),
        Row(f"{what}: memory", f"at most {most:+.0%}", size, growth <= most, faults),
        Row(
            f"{what}: descriptors",
            f"at most {flat} more",
            f"{early(descriptors):.0f}, then {late(descriptors):.0f}",
            more <= flat,
            faults,
        ),
        Row(f"{what}: logs", f"at most {bound / 1e6:.0f} MB", f"{soak.logs() / 1e6:.1f} MB", soak.logs() <= bound, faults),
    ]


def early(values: Sequence[int]) -> float:
    """Median of what was seen just after the warm-up."""
    third = len(values) // 3
    return statistics.median(values[third : third + max(3, len(values) // 6)])


def late(values: Sequence[int]) -> float:
    """Median of what was seen last."""
    return statistics.median(values[-max(3, len(values) // 6) :])


def sample(pid: int) -> Sample:
    """Look at a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return Sample(kilobytes * 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def scene_text(name: str, shots: Mapping[str, int]) -> str:
    """One scene; its first shot has a video."""
    lines = [f"kind: scene\nid: {name}\ntitle: {name}\nshots:"]
    for number, (shot, seed) in enumerate(shots.items()):
        phases = "[still, video]" if number == 0 else "[still]"
        lines.append(f"  - {{id: {shot}, characters: [ren], phases: {phases}, frames: 4, seed: {seed}}}")
    return "\n".join(lines) + "\n"


def minutes() -> float:
    """How long the whole of it takes."""
    if "--minutes" in sys.argv:
        return float(sys.argv[sys.argv.index("--minutes") + 1])
    return float(os.environ.get("KOMA_SOAK_MINUTES", MINUTES))


def free_port() -> int:
    """A port that nobody listens on by now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def config(url: str, port: int) -> str:
    """Settings: pages that can be scraped, and an event log that is rotated within seconds."""
    said = comfyui_config(url, f"log: {{rotate_megabytes: {ROTATE_MEGABYTES}, keep: {KEEP}}}\ndisk: {{reserve_percent: 0.5}}\n")
    return said.replace("http: {enabled: false}", f"http: {{port: {port}}}").replace(
        "references_settle: 0", "references_settle: 0, rescan_seconds: 5"
    )


if __name__ == "__main__":
    sys.exit(main(measure))
