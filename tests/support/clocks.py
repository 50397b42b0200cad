"""A machine's clock that a test sets while a command runs: libfaketime, which changes the time of day and leaves durations alone."""

import subprocess
from pathlib import Path

from support.needs import needs

# With durations left alone, libfaketime 0.9.10 answers "invalid argument" to the call that Python sleeps with.
_SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


class Clock:
    """`set` it to an offset such as `+1y` or `-1h`; commands that run with `env` see it at once."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        told = subprocess.run([needs("faketime"), "-f", "+0", "env"], capture_output=True, text=True, check=True).stdout
        library = next(line.partition("=")[2] for line in told.splitlines() if line.startswith("LD_PRELOAD="))
        self.env = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # the same, before libfaketime 0.9.9
            "NO_FAKE_STAT": "1",
        }
        python = folder / "python"
        python.mkdir()
        (python / "sitecustomize.py").write_text(_SLEEP)
        self.env["PYTHONPATH"] = str(python)
        self.set("+0")

    def set(self, offset: str) -> None:
        """Set the clock: `+0` is right."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset}\n")
        fresh.rename(self._file)
