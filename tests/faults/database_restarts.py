"""A daemon that works without a break while its database is restarted every 5 to 40 s: nothing is lost, nothing is published twice.

The database itself counts how often each output is recorded, by a trigger that only this test has. The seed chooses when it is stopped
and for how long; every other time it is stopped as a crash does it.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from support.postgres import Cluster, available
from support.workspaces import ANIMATIC_CONFIG, PROJECT, REN_DOC, Process, Workspace

SEED = 5
RESTARTS = 14
APART, DOWN = (5.0, 40.0), (0.0, 2.0)  # seconds
HURRY = 0.1  # of the time between two restarts, for a small share
SHOTS = 8  # in a scene; the next scene is written while this many outputs are still to come
CLEANLY, CRASH, BUSY = "stopped cleanly", "stopped as in a crash", "stopped with jobs on their way"
NOTICED = "waited out by the daemon"
COUNTED = """
CREATE TABLE recorded (target text, take_key text);
CREATE FUNCTION count_recorded() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO recorded VALUES (NEW.target, NEW.take_key);
    RETURN NULL;
END $$;
CREATE TRIGGER counts AFTER INSERT OR UPDATE OF take_key ON published FOR EACH ROW EXECUTE FUNCTION count_recorded();
"""
LIMIT = 600.0  # seconds that the last outputs may take


class Night:
    """The workspace, its database, and the daemon, which is started again where it ended, as a service manager would."""

    def __init__(self, root: Path, cluster: Cluster) -> None:
        self._cluster = cluster
        self._schema = "night"
        cluster.execute(f"CREATE SCHEMA {self._schema}")
        address = cluster.address(schema=self._schema)
        self.workspace = Workspace(root, f'{ANIMATIC_CONFIG}store: "{address}"\n')
        self.workspace.write("projects/demo/project.yaml", PROJECT.replace("templates: {still: noise, video: noisevid}\n", ""))
        self.workspace.write("projects/demo/ren.yaml", REN_DOC)
        self.wanted: list[str] = []
        self.fired: Counter[str] = Counter(dict.fromkeys((CLEANLY, CRASH, BUSY), 0))
        self.ended: list[int] = []
        self._daemon = self._start()

    def more(self) -> None:
        """Write another scene once little is left to do, and start the daemon again where it ended."""
        code = self._daemon.popen.poll()
        if code is not None:
            self.ended.append(code)
            self._daemon.__exit__()
            self._daemon = self._start()
        if len(self.wanted) - self.there() <= SHOTS:
            scene = f"s{len(self.wanted) // SHOTS + 1:03}"
            shots = "".join(f"  - {{id: sh{n:02}, characters: [ren], phases: [still], seed: {n}}}\n" for n in range(SHOTS))
            self.workspace.write(f"projects/demo/{scene}.yaml", f"kind: scene\nid: {scene}\ntitle: {scene}\ntime: night\nshots:\n{shots}")
            self.wanted += [f"demo/{scene}/sh{n:02}/still" for n in range(SHOTS)]

    def there(self) -> int:
        """How many outputs lie there with their receipt."""
        return sum(1 for _ in (self.workspace.root / "outputs/demo").glob("s*/*/still*.receipt.json"))

    def restart(self, random: Random, *, at_once: bool) -> None:
        """Stop the database, cleanly or as a crash does, and start it again after a while."""
        self.fired[BUSY] += bool(self.rows("SELECT 1 FROM jobs"))
        self._cluster.stop(at_once=at_once)
        self.fired[CRASH if at_once else CLEANLY] += 1
        time.sleep(random.uniform(*DOWN))
        self._cluster.start()

    def rows(self, query: str) -> list[tuple]:
        return self._cluster.execute(query, schema=self._schema)

    def count_records(self) -> None:
        """Let the database count, once it has its tables."""
        _until(lambda: self.rows("SELECT 1 FROM pg_class WHERE relname = 'published'"), "the daemon makes its tables")
        self.rows(COUNTED)

    def finish(self) -> None:
        """Wait for the last output, and stop the daemon."""
        _until(lambda: self.there() >= len(self.wanted) and not self.rows("SELECT 1 FROM jobs"), "everything is published")
        self._daemon.stop()
        self.close()

    def close(self) -> None:
        self._daemon.__exit__()

    def _start(self) -> Process:
        return self.workspace.start("run")


def _until(holds, what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline, f"seed {SEED}, not so in {LIMIT:.0f} s: {what}"
        time.sleep(0.1)


def measure(share: float) -> list[Row]:
    """One night, shorter or longer, with that many restarts."""
    what, target = "database restarted every 5 to 40 s during a run", "0 lost, 0 published twice"
    if not available():
        return [Row(what, target, "there is no PostgreSQL here", good=False)]
    restarts, pace = max(2, round(RESTARTS * share)), 1.0 if share >= 1 else HURRY
    cluster = Cluster(durable=True)
    with tempfile.TemporaryDirectory(prefix="koma-night-") as folder:
        try:
            cluster.start()
            night = Night(Path(folder), cluster)
            try:
                _live(night, restarts, pace)
            finally:
                night.close()
            return [_told(night, what, target, restarts)]
        finally:
            cluster.remove()


def _live(night: Night, restarts: int, pace: float) -> None:
    random = Random(SEED)
    night.more()
    night.count_records()
    for number in range(restarts):
        until = time.monotonic() + pace * random.uniform(*APART)
        while time.monotonic() < until or not night.rows("SELECT 1 FROM jobs"):
            night.more()
            time.sleep(0.1)
        night.restart(random, at_once=number % 2 == 0)
    night.finish()


def _told(night: Night, what: str, target: str, restarts: int) -> Row:
    recorded = Counter(name for name, _ in night.rows("SELECT target, take_key FROM recorded"))
    submitted = Counter(night.workspace.submitted())
    lost = [name for name in night.wanted if recorded[name] == 0]
    twice = [name for name in night.wanted if recorded[name] > 1 or submitted[name] > 1]
    unsound = [*night.workspace.actions(), *_problems(night.workspace)]
    night.fired[NOTICED] = len(night.workspace.events("store_away"))
    takes = len(night.rows("SELECT 1 FROM takes"))
    figure = f"{restarts} restarts, {len(night.wanted)} outputs: {len(lost)} lost, {len(twice)} published or rendered twice"
    notes = [f"seed {SEED}", f"the daemon ended {len(night.ended)} times and was started again", *lost[:3], *twice[:3], *unsound[:3]]
    good = not lost and not twice and not unsound and takes == len(night.wanted)
    return Row(what, target, figure, good=good, fired=night.fired, notes="; ".join(notes))


def _problems(workspace: Workspace) -> list[str]:
    found = workspace.koma("doctor", "--json").json["findings"]
    return [f["message"] for f in found if f["item"] in {"store", "specs"} and f["level"] != "ok"]


if __name__ == "__main__":
    sys.exit(main(measure))
