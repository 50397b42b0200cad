"""The backend port over the drawing process: storyboard panels, a few frames at a time."""

from collections.abc import Mapping

import PIL

from koma.backends.animatic.panel import Panel, read_panel
from koma.backends.local.backend import LocalBackend
from koma.backends.local.fields import DocumentError
from koma.core.media import Media
from koma.core.request import RenderRequest
from koma.core.words import BackendKind


class AnimaticBackend(LocalBackend):
    """Draws panels in a process of its own."""

    kind = BackendKind.ANIMATIC
    worker = "koma.backends.animatic.worker"
    doing = "drawing"

    def check(self, request: RenderRequest) -> Mapping[str, str]:
        """Read the panel; the pictures that it draws, and for whom. Raises DocumentError."""
        panel = read_panel(request.document)
        _fits(request, panel)
        return panel.reads()

    def libraries(self) -> Mapping[str, str]:
        """Versions of what the pictures depend on."""
        return {"pillow": PIL.__version__}


def _fits(request: RenderRequest, panel: Panel) -> None:
    """Raise DocumentError where request and description disagree about what is to come back."""
    if request.media is Media.IMAGE and panel.frames != 1:
        raise DocumentError(f"phase: one picture is asked for, but phase {panel.phase!r} makes {panel.frames} frames")
    if request.frames not in (0, panel.frames):
        raise DocumentError(f"frames: {request.frames} are asked for, but the description makes {panel.frames}")
