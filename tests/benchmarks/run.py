"""Every benchmark, one after the other: `make bench`. Figures only; what fails is a wrong plan, never a slow one."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = ("plan_speed.py", "idle.py", "overhead.py", "families.py", "measuring.py", "learned.py")


def main() -> int:
    """Run every part, each in a process of its own; 1 if any failed."""
    codes = []
    for part in PARTS:
        sys.stdout.write(f"== {part.removesuffix('.py')}\n")
        sys.stdout.flush()
        codes.append(subprocess.run([sys.executable, str(HERE / part)], check=False).returncode)
        sys.stdout.write("\n")
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
