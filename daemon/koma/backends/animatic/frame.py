"""The pure entry point: a panel description, its pictures and an index give a picture."""

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from koma.backends.animatic.panel import Panel, read_panel
from koma.backends.animatic.portrait import draw_pose
from koma.backends.animatic.stage import Stage

Drawing = Callable[[int], Image.Image]


def drawing_of(panel: Panel, references: Mapping[str, Image.Image]) -> Drawing:
    """Paint what stays the same in a run once; what comes back draws frame by frame, by index from 0, in any order."""
    if panel.sheet:
        return lambda _index: draw_pose(panel, references)
    return Stage(panel, references).draw


def draw_frame(panel: Mapping[str, Any], references: Mapping[str, Image.Image], index: int) -> Image.Image:
    """Draw frame `index` (from 0) of a description in the panel's size, RGB.

    `references` maps input names to pictures. Paints the whole set anew: draw clips with one `drawing_of`. Raises DocumentError.
    """
    return drawing_of(read_panel(panel), references)(index)
