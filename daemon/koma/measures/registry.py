"""The metrics of the base install. A new metric is a file beside these, a line here, and its spec in koma.core.metrics.

Learned metrics are named in koma.measures.learned.registry, and imported when one is asked for.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

from koma.measures import (
    black,
    blank,
    blockiness,
    decodes,
    duplicates,
    duration,
    dynamic_degree,
    flicker,
    flow_smoothness,
    frame_count,
    frame_rate,
    frozen,
    height,
    loop_seam,
    mae_consistency,
    melt,
    motion_speed,
    noise,
    palette_distance,
    palette_drift,
    peak_step,
    sharpness,
    ssim_consistency,
    style_similarity,
    tail,
    width,
)
from koma.measures.meter import Meter
from koma.measures.setting import Setting

_OF_FRAMES = (blank, black, sharpness, noise, blockiness, palette_drift)
_OF_MOTION = (
    frozen,
    duplicates,
    tail,
    flicker,
    flow_smoothness,
    dynamic_degree,
    motion_speed,
    peak_step,
    loop_seam,
    ssim_consistency,
    mae_consistency,
    melt,
)
_OF_THE_FILE = (decodes, width, height, frame_count, frame_rate, duration, *_OF_FRAMES, *_OF_MOTION)
_COMPARING: tuple[ModuleType, ...] = (palette_distance, style_similarity)  # their Meter takes the Setting


def _plain(module: ModuleType, _setting: Setting) -> Meter:
    meter: Meter = module.Meter()
    return meter


def _comparing(module: ModuleType, setting: Setting) -> Meter:
    meter: Meter = module.Meter(setting)
    return meter


METERS: Mapping[str, Callable[[Setting], Meter]] = {
    **{module.SPEC.id: partial(_plain, module) for module in _OF_THE_FILE},
    **{module.SPEC.id: partial(_comparing, module) for module in _COMPARING},
}
