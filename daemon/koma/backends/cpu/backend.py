"""The backend port over the process that joins clips and matches colours."""

from collections.abc import Mapping

import av
import numpy as np
import PIL

from koma.backends.cpu.document import Join, read_task
from koma.backends.local.backend import LocalBackend
from koma.backends.local.fields import DocumentError
from koma.core.media import Media
from koma.core.request import RenderRequest
from koma.core.words import BackendKind


class CpuBackend(LocalBackend):
    """Joins the runs of chains, and matches colours, in a process of its own."""

    kind = BackendKind.CPU
    worker = "koma.backends.cpu.worker"
    doing = "computing"

    def check(self, request: RenderRequest) -> Mapping[str, str]:
        """Read the document; the files that it reads, and as what. Raises DocumentError."""
        task = read_task(request.document)
        if isinstance(task, Join):
            _fits(request, task)
        return task.reads()

    def libraries(self) -> Mapping[str, str]:
        """Versions of what the files depend on."""
        return {"av": av.__version__, "numpy": np.__version__, "pillow": PIL.__version__}


def _fits(request: RenderRequest, task: Join) -> None:
    """Raise DocumentError where request and document disagree about what is to come back."""
    if request.media is not Media.FRAMES:
        raise DocumentError("do: a join makes a clip, but one picture is asked for")
    if request.frames not in (0, task.frames):
        raise DocumentError(f"frames: {request.frames} are asked for, but the document makes {task.frames}")
