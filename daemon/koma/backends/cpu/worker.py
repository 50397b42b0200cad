"""The process that joins clips and matches colours, a few frames a step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koma.backends.cpu.document import Join, read_task
from koma.backends.cpu.join import join
from koma.backends.cpu.recolour import recolour
from koma.backends.local.worker import Steps, main


def carry_out(document: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path) -> Steps:
    """Do what a document says, into a folder: one clip or one picture."""
    task = read_task(document)
    return join(task, inputs, folder) if isinstance(task, Join) else recolour(task, inputs, folder)


if __name__ == "__main__":
    main(carry_out)
