"""Ten CPU-minutes of coverage-guided fuzzing (atheris, libFuzzer) for every parser, each in a process of its own.

`python tests/faults/fuzzing.py [--share 0.01] [--only "koma.yaml"]`. A finding is printed with the bytes that lead to it. Without atheris,
which has wheels for some Pythons only, the row says so and does not hold.
"""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main

CPU_SECONDS = 600.0
SEED = 20260101
AT_ONCE = 2
INPUT_SECONDS = 10  # for one input: a parser that needs more hangs
MEMORY_MIB = 2048
LONGEST = 65536  # bytes of an input
_EXECUTED = re.compile(r"number_of_executed_units:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of one parser: how often it ran, CPU seconds, and what it could not stand, in words with its bytes."""

    name: str
    runs: int
    cpu: float
    finding: str = ""


def measure(share: float) -> list[Row]:
    """Fuzz every parser for that share of ten CPU-minutes."""
    what, target = "fuzzing (atheris) per parser", "10 CPU-minutes each, 0 uncaught"
    if find_spec("atheris") is None:
        return [Row(what, target, "skipped: needs the Python package `atheris`", good=False)]
    from support.parsers import PARSERS

    wanted = [name for name in PARSERS if name in (_only() or PARSERS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda name: fuzz(name, share * CPU_SECONDS), wanted))
    findings = [f"{one.name}: {one.finding}" for one in found if one.finding]
    runs, least = sum(one.runs for one in found), min(one.cpu for one in found)
    figure = f"{len(found)} parsers, {least:.0f} CPU-seconds or more each, {runs:,} runs, {len(findings)} uncaught"
    lasted = all(one.cpu >= 0.95 * share * CPU_SECONDS for one in found if not one.finding)
    notes = "\n       ".join([f"{one.name}: {one.runs:,} runs in {one.cpu:.0f} CPU-seconds" for one in found] + findings)
    return [Row(what, target, figure, good=not findings and lasted, fired={one.name: one.runs for one in found}, notes=notes)]


def _only() -> list[str]:
    return [sys.argv[sys.argv.index("--only") + 1]] if "--only" in sys.argv else []


def fuzz(name: str, cpu_seconds: float) -> Fuzzed:
    """Fuzz one parser until it used that much CPU time, or could not stand something."""
    from support.parsers import PARSERS

    runs, cpu, finding = 0, 0.0, ""
    with tempfile.TemporaryDirectory(prefix="koma-fuzzing-") as folder:
        corpus, crashes = Path(folder, "corpus"), Path(folder, "crashes")
        corpus.mkdir()
        crashes.mkdir()
        for seed in PARSERS[name].seeds():
            (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
        for number in range(1000):
            if finding or cpu >= 0.95 * cpu_seconds:
                break
            ran, took, finding = _round(name, corpus, crashes, max(1.0, cpu_seconds - cpu), SEED + number)
            runs, cpu = runs + ran, cpu + took
    return Fuzzed(name, runs, cpu, finding)


def _round(name: str, corpus: Path, crashes: Path, seconds: float, seed: int) -> tuple[int, float, str]:
    """Let libFuzzer run for some seconds; how often it ran, its CPU seconds, and what it found."""
    options = {
        "max_total_time": round(seconds),
        "seed": seed,
        "timeout": INPUT_SECONDS,
        "rss_limit_mb": MEMORY_MIB,
        "max_len": LONGEST,
        "print_final_stats": 1,
        "verbosity": 0,
        "artifact_prefix": f"{crashes}/",
    }
    command = [sys.executable, __file__, "--parser", name, *(f"-{key}={value}" for key, value in options.items()), str(corpus)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    executed = _EXECUTED.search(said)
    broken = [f"{file.name}: {file.read_bytes()[:2000]!r}" for file in sorted(crashes.iterdir())]
    finding = "\n".join([said[said.find("=== Uncaught") :][-3000:], *broken]) if broken or process.returncode else ""
    return int(executed[1]) if executed else 0, used.ru_utime + used.ru_stime, finding


def run_parser(name: str, arguments: list[str]) -> None:
    """Be the process that libFuzzer runs in; it never returns."""
    import atheris

    with atheris.instrument_imports(include=["koma"]):
        from support.parsers import PARSERS

    def one(data: bytes) -> None:
        PARSERS[name].run(data)

    atheris.Setup([name, *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    if "--parser" in sys.argv:
        at = sys.argv.index("--parser")
        run_parser(sys.argv[at + 1], sys.argv[at + 2 :])
    sys.exit(main(measure))
