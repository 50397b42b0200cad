"""What happens between frames: standing still, repeating, flicker, jumps, melting."""

from koma.core.metrics.spec import OWN, SMALL, Direction, MetricSpec, Stage

SPECS = (
    MetricSpec(
        "frozen",
        "1",
        "ratio",
        Direction.LOWER,
        f"share of consecutive frame pairs without motion: on {SMALL}, the mean absolute difference of R, G and B is below 0.25 (of 255)",
        OWN,
        Stage.MOTION,
    ),
    MetricSpec("duplicates", "1", "ratio", Direction.LOWER, "", OWN),
    MetricSpec("tail", "1", "ratio", Direction.LOWER, "", OWN),
    MetricSpec("flicker", "1", "luma", Direction.LOWER, "", OWN),
    MetricSpec("flow-smoothness", "1", "ratio", Direction.HIGHER, "", OWN),
    MetricSpec("dynamic-degree", "1", "ratio", Direction.HIGHER, "", OWN, Stage.MOTION),
    MetricSpec("peak-step", "1", "ratio", Direction.LOWER, "", OWN),
    MetricSpec("loop-seam", "1", "ratio", Direction.LOWER, "", OWN),
    MetricSpec("ssim-consistency", "1", "ratio", Direction.HIGHER, "", OWN),
    MetricSpec("mae-consistency", "1", "ratio", Direction.HIGHER, "", OWN),
    MetricSpec("melt", "1", "ratio", Direction.LOWER, "", OWN),
)
