"""What single frames show: nothing at all, blur, noise, traces of compression."""

from koma.core.metrics.spec import OWN, SMALL, Direction, MetricSpec, Stage

SPECS = (
    MetricSpec(
        "blank",
        "2",
        "ratio",
        Direction.LOWER,
        f"share of frames that are nearly one colour: on {SMALL}, the standard deviation of R, of G and of B are all below 2.0 (of 255)",
        OWN,
        Stage.VALIDITY,
    ),
    MetricSpec(
        "black",
        "2",
        "ratio",
        Direction.LOWER,
        f"share of frames that are black: on {SMALL}, Rec. 709 luma has a mean below 8 and a maximum below 32 (of 255)",
        OWN,
        Stage.VALIDITY,
    ),
    MetricSpec(
        "sharpness",
        "2",
        "luma²",
        Direction.HIGHER,
        "median over frames of the variance of the 4-neighbour Laplacian (inner pixels) of Rec. 709 luma (0..255), on the frame reduced by"
        " area averaging until its longer side is 512 px (never enlarged)",
        "variance of the Laplacian: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000",
    ),
    MetricSpec(
        "noise",
        "1",
        "luma",
        Direction.LOWER,
        "median over every second frame of the deviation of noise: of Rec. 601 luma (0..255, whole numbers) at full size, the response to"
        " the mask [[1, -2, 1], [-2, 4, -2], [1, -2, 1]] at inner pixels of every second row; the median of its absolute value, cut at 255,"
        " divided by 6 * 0.6745",
        "Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding 64 (1996), with the median for the mean,"
        " so that lines do not count",
    ),
    MetricSpec(
        "blockiness",
        "1",
        "ratio",
        Direction.LOWER,
        "median over every second frame of a ratio: of Rec. 601 luma (0..255, whole numbers) at full size, absolute differences of"
        " neighbours, cut at 16; their mean where two squares of 8 px meet (columns and rows 8, 16, ...), beside their mean at the seven"
        " other places; the means across and down are added, and 1.0 to both sides. 1 means that there is no grid",
        "after Wang, Bovik and Evans, Blind measurement of blocking artifacts in images, ICIP 2000, with differences for their spectrum",
    ),
)
