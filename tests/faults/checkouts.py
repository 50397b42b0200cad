"""Git checks out one commit and the other, over and over, while a snapshot is asked for in a loop: each that is given is one of the two.

Some checkouts are stopped in the middle for longer than a tree must be still, so that two looks agree on a tree that is half and half.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main  # needs the path above
from koma.core.faults import SourceError
from koma.core.snapshot import Snapshot
from koma.sources.cache import Cache
from koma.sources.directory import DirectorySource

CHECKOUTS, FILES = 100, 3_000
FEW = 600  # files, where only a share is done
COMMITS = ("a", "b")
QUIET = 0.5  # seconds, as by default
STOPPED = 1.5  # seconds in the middle of a checkout
SEED = 20
HOME = "projects/p"
WHO = ("-c", "user.name=k", "-c", "user.email=k@example.com", "-c", "gc.auto=0")


def measure(share: float) -> list[Row]:
    """Measure the row; `share` of the checkouts."""
    folder = Path(tempfile.mkdtemp(prefix="koma-checkouts-"))
    try:
        return [Storm(folder / "workspace", FILES if share >= 1 else FEW, max(4, round(CHECKOUTS * share))).row()]
    finally:
        shutil.rmtree(folder)


class Storm:
    """A repository with two commits, checkouts in a thread, and looks beside them."""

    def __init__(self, root: Path, files: int, checkouts: int) -> None:
        self.root, self.files, self.checkouts = root, files, checkouts
        self.random = Random(SEED)
        self.fired = Counter({"checkouts": 0, "stopped in the middle": 0, "mixed trees that a plain look saw": 0, "waits for git": 0})
        self.commits = {commit: self.commit(commit) for commit in COMMITS}
        self.given: Counter[str] = Counter()
        self.refused = 0
        self.over = threading.Event()

    def row(self) -> Row:
        git = threading.Thread(target=self.storm)
        git.start()
        looks = 0
        with Cache(self.root.parent / "cache.db", version="1") as cache:
            source = DirectorySource(self.root, ["projects/*"], "templates", cache, quiet_seconds=QUIET, pause=self.pause)
            while not self.over.is_set():
                looks += 1
                self.look_plainly()
                self.look(source)
            git.join()
            last = source.snapshot()
        wrong = self.given["mixed"] + (self.name(last) == "mixed")
        figure = f"{wrong} mixed of {self.given.total()} given in {looks} looks during {self.checkouts} checkouts of {self.files} files"
        notes = f"given: {dict(self.given)}, refused: {self.refused}; seed {SEED}"
        return Row(
            "checkouts during scans", "0 plans from a mixed tree", figure, wrong == 0 and len(self.given) > 1, dict(self.fired), notes
        )

    def look(self, source: DirectorySource) -> None:
        try:
            self.given[self.name(source.snapshot())] += 1
        except SourceError:
            self.refused += 1

    def pause(self, seconds: float) -> None:
        self.fired["waits for git"] += (self.root / ".git/index.lock").exists()
        time.sleep(seconds)

    def look_plainly(self) -> None:
        """Read every file once, as it lies there."""
        found = {}
        for file in sorted((self.root / HOME).rglob("*.yaml")):
            try:
                found[file.relative_to(self.root).as_posix()] = digest(file.read_bytes())
            except OSError:
                continue
        self.fired["mixed trees that a plain look saw"] += found not in self.commits.values()

    def name(self, snapshot: Snapshot) -> str:
        found = {path: file.digest for path, file in snapshot.documents.items()}
        return next((commit for commit, files in self.commits.items() if files == found), "mixed")

    # -- git --------------------------------------------------------------------------------------------------------------

    def commit(self, name: str) -> dict[str, str]:
        """Commit files that say in every line of whose commit they are, all of one size; path → digest. Each commit has some of its own."""
        if name == COMMITS[0]:
            self.root.mkdir()
            self.git("init", "-q", "-b", name)
        else:
            self.git("checkout", "-q", "-b", name)
            shutil.rmtree(self.root / HOME)
        made = {}
        for number in range(self.files):
            own = f"-{name}" if number % 50 == 0 else ""
            path = f"{HOME}/e{number // 100:02d}/s{number:04d}{own}.yaml"
            text = f"# {name} {number:06d}\n" * 20
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
            made[path] = digest(text.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "-m", name)
        return made

    def git(self, *words: str) -> None:
        subprocess.run(["git", *WHO, *words], cwd=self.root, check=True)

    def storm(self) -> None:
        try:
            for number in range(self.checkouts):
                with subprocess.Popen(["git", *WHO, "checkout", "-q", COMMITS[number % 2]], cwd=self.root) as checkout:
                    if number % 4 == 0:
                        self.stop_for_a_while(checkout)
                assert checkout.returncode == 0
                self.fired["checkouts"] += 1
                time.sleep(self.random.choice((0.0, 0.1, 2 * QUIET)))
        finally:
            self.over.set()

    def stop_for_a_while(self, checkout: subprocess.Popen[bytes]) -> None:
        """Stop git once it has begun to write; counted where it stood in the middle."""
        number = int(self.random.uniform(0.1, 0.9) * self.files)
        begun = self.files_of(number)
        while checkout.poll() is None and self.files_of(number) == begun:
            time.sleep(0.0005)
        if checkout.poll() is None:
            os.kill(checkout.pid, signal.SIGSTOP)
            self.fired["stopped in the middle"] += (self.root / ".git/index.lock").exists()
            time.sleep(STOPPED)
            os.kill(checkout.pid, signal.SIGCONT)

    def files_of(self, number: int) -> tuple[int, int]:
        """Inode and ctime of one file, whichever commit it is of."""
        for own in ("", *(f"-{name}" for name in COMMITS)):
            file = self.root / HOME / f"e{number // 100:02d}/s{number:04d}{own}.yaml"
            try:
                return (file.stat().st_ino, file.stat().st_ctime_ns)
            except OSError:
                continue
        return (0, 0)


def digest(content: bytes) -> str:
    """Sha256 of bytes, as hex digits."""
    return sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main(measure))
