"""The pure entry point: a panel description, its references and an index give a picture."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

from koma.backends.animatic.panel import read_panel
from koma.backends.animatic.stage import Stage


def draw_frame(panel: Mapping[str, Any], references: Mapping[str, Image.Image], index: int) -> Image.Image:
    """Draw frame `index` (from 0) of a description in the panel's size, RGB.

    `references` maps input names to pictures. Paints the whole set anew: draw clips with one `Stage`. Raises PanelError.
    """
    return Stage(read_panel(panel), references).draw(index)
