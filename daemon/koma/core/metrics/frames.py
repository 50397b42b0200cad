"""What single frames show: nothing at all, blur, noise, traces of compression."""

from koma.core.metrics.spec import OWN, SMALL, Direction, MetricSpec, Stage

SPECS = (
    MetricSpec(
        "blank",
        "1",
        "ratio",
        Direction.LOWER,
        f"share of frames that are nearly one colour: on {SMALL}, the standard deviation of R, of G and of B are all below 2.0 (of 255)",
        OWN,
        Stage.VALIDITY,
    ),
    MetricSpec(
        "black",
        "1",
        "ratio",
        Direction.LOWER,
        f"share of frames that are black: on {SMALL}, Rec. 709 luma has a mean below 8 and a maximum below 32 (of 255)",
        OWN,
        Stage.VALIDITY,
    ),
    MetricSpec(
        "sharpness",
        "1",
        "luma²",
        Direction.HIGHER,
        "median over frames of the variance of the 4-neighbour Laplacian (inner pixels) of Rec. 709 luma (0..255), on the frame reduced by"
        " area averaging until its longer side is 512 px (never enlarged)",
        "variance of the Laplacian: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000",
    ),
    MetricSpec("noise", "1", "luma", Direction.LOWER, "", ""),
    MetricSpec("blockiness", "1", "ratio", Direction.LOWER, "", ""),
)
