"""What happens between frames: standing still, repeating, flicker, jumps, melting."""

from koma.core.metrics.spec import OWN, SMALL, Direction, MetricSpec, Stage

_CALM = f"{SMALL}, Rec. 709 luma, Gaussian blur of sigma 1 px, whole numbers"
_DRAWING = (
    f"A frame repeats the last drawing if on {_CALM}, in no square of 8 px, the mean absolute difference to the first frame of it is 2.0"
    " or more (of 255)"
)
_FLOW = f"optical flow by DIS (OpenCV, preset ultrafast) on {_CALM}, from each drawing to the next, without frames that repeat one"
_STEP = (
    f"A step is the mean absolute difference of R, G and B (of 255) from one drawing to the next, on {SMALL}, averaged over squares of"
    " 8 px; the usual step is the upper quartile of all steps, 0.5 at least"
)
_DIS = "DIS: Kroeger et al., Fast optical flow using dense inverse search, ECCV 2016"

SPECS = (
    MetricSpec(
        "frozen",
        "2",
        "ratio",
        Direction.LOWER,
        f"share of consecutive frame pairs without motion: on {SMALL}, the mean absolute difference of R, G and B is below 0.25 (of 255)",
        OWN,
        Stage.MOTION,
    ),
    MetricSpec(
        "duplicates", "1", "ratio", Direction.LOWER, f"share of frames after the first that repeat the last drawing. {_DRAWING}", OWN
    ),
    MetricSpec(
        "tail",
        "1",
        "ratio",
        Direction.LOWER,
        "frames that the last drawing stands for, less the median of what the drawings before it stand for, divided by all frames, 0 at"
        f" least. {_DRAWING}",
        OWN,
    ),
    MetricSpec(
        "flicker",
        "1",
        "luma",
        Direction.LOWER,
        f"upper quartile over time of the absolute second difference (y[t-1] - 2 y[t] + y[t+1]) of mean Rec. 709 luma (0..255), on {SMALL}",
        OWN,
    ),
    MetricSpec(
        "flow-smoothness",
        "1",
        "ratio",
        Direction.HIGHER,
        f"how much of the way leads anywhere: {_FLOW}; for every three flows in a row, (mean length of their sum + 0.75 px) / (sum of their"
        " mean lengths + 0.75 px), means over all pixels, flows added pixel by pixel; the median over time. 1 is motion in one direction or"
        f" none, 0 motion to and fro. {_DRAWING}",
        _DIS,
    ),
    MetricSpec(
        "dynamic-degree",
        "1",
        "ratio",
        Direction.HIGHER,
        "share of frame pairs that move: pairs of frames 1/8 s apart (frames 0, k, 2k, ... with k = fps / 8 rounded, 1 at least); optical"
        f" flow by DIS (OpenCV, preset ultrafast) on {_CALM}; its length averaged over squares of 8 px, 0 where following it leaves 65 % or"
        " more of the square's mean absolute difference; a pair moves if the mean of the largest 5 % is above 6/256 of the shorter side",
        f"dynamic degree of VBench (Huang et al., CVPR 2024), with another optical flow, checked against the pictures. {_DIS}",
        Stage.MOTION,
    ),
    MetricSpec(
        "motion-speed",
        "1",
        "shorter sides/s",
        Direction.HIGHER,
        "speed that a quarter of the frame pairs reaches (quantile 0.75, linear): pairs and optical flow as for `dynamic-degree`; of each"
        " pair the mean of the largest 5 % of lengths, divided by the shorter side and multiplied by 8 pairs a second",
        OWN,
        Stage.MOTION,
    ),
    MetricSpec(
        "peak-step",
        "1",
        "ratio",
        Direction.LOWER,
        f"largest step divided by the usual one, which is here taken for 8 at most; 0 without any step. {_STEP}. {_DRAWING}",
        OWN,
    ),
    MetricSpec(
        "loop-seam",
        "1",
        "ratio",
        Direction.LOWER,
        f"step from the last frame to the first, divided by the usual step. {_STEP}. {_DRAWING}",
        OWN,
    ),
    MetricSpec(
        "ssim-consistency",
        "1",
        "ratio",
        Direction.HIGHER,
        f"mean over consecutive frames of structural similarity on {SMALL}: Rec. 709 luma (0..255), Gaussian window 11 px with sigma 1.5,"
        " K1 = 0.01, K2 = 0.03, mirrored at the border, mean over all pixels. Motion lowers it as well",
        "Wang et al., Image quality assessment: from error visibility to structural similarity, IEEE Transactions on Image Processing 13"
        " (2004)",
    ),
    MetricSpec(
        "mae-consistency",
        "1",
        "ratio",
        Direction.HIGHER,
        f"mean over consecutive frames of 1 - d / 255, with d the mean absolute difference of R, G and B on {SMALL}",
        "temporal flickering of VBench (Huang et al., CVPR 2024), which measures only clips that hardly move",
    ),
    MetricSpec(
        "melt",
        "1",
        "ratio",
        Direction.LOWER,
        f"how much of the local motion leads nowhere: {_FLOW}; averaged over 2 x 2 px, blurred (Gaussian, sigma 5 px of the full size),"
        " less what averages over squares of 64 px give when interpolated; of every three such in a row, per square of 32 px,"
        " (sum of lengths - length of the sum) / (sum of lengths + 0.6 px), each averaged over the square; of the squares the 0.8 quantile,"
        f" of that the median over time; 0 where less than four drawings are seen. {_DRAWING}",
        f"{OWN}. {_DIS}",
    ),
)
