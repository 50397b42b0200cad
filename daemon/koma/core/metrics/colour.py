"""What colours say: whether a character keeps its palette, a clip its colours, a picture the style of its references."""

from koma.core.metrics.spec import OWN, SMALL, Direction, MetricSpec, Stage

_COUNTED = "sRGB samples counted in cells of 5 bits for each channel, the mean of a cell being its colour, in CIE 1976 L*a*b* (D65)"
_EMD = (
    "earth mover's distance with CIEDE2000 as ground distance between two sets of colours (both grouped together around at most 12 centres"
    " by k-means in L*a*b*; from each set, mean colour and share of each group)"
)
_CIEDE2000 = "CIEDE2000 (kL = kC = kH = 1): Sharma, Wu and Dalal, Color Research and Application 30, 2005"
_TRANSPORT = "earth mover's distance: Rubner, Tomasi and Guibas, International Journal of Computer Vision 40, 2000"

_DISTANCE = (
    f"for each character, in every second frame, on {SMALL}, of that every second pixel of every second row, {_COUNTED}: a slot's"
    " distance is the smallest CIEDE2000 within which at least 0.2 % of the pixels lie from the slot's colour; a frame's value is the"
    " mean over slots of the distance, cut off at 20, weighted hair 4, skin 2, outfit 1, primary 1 (eyes and accent are too small and"
    " left out, and slots that the palette lacks); frames of which less than 2 % of the pixels lie within 10 of any of these colours"
    " do not show the character and are left out; value: the smallest that nine tenths of the other frames do not exceed (nearest"
    " rank); the whole frame is searched for each character"
)
_DRIFT = (
    f"on {SMALL}, every second pixel of every second row is a point; in every second frame, points are followed back to the first"
    " frame by DIS optical flow (OpenCV, preset fast), each time to the frame looked at before, on Rec. 709 luma, blurred by a"
    " Gaussian of sigma 1 px, rounded, and reduced to half by area averaging; a point is followed as long as it came from inside the"
    f" frame and flow b back and f forth agree, |b + f|² < 0.01 (|b|² + |f|²) + 0.1 px²; a frame's value is the {_EMD}: the followed"
    f" points now, and what they were in the first frame, each as {_COUNTED}; times the share of points that are followed; a frame"
    " whose luma differs by more than 32 (median, of 255) from what flow brings there has value 0 and is passed over; after more than"
    " 2 of them in a row, or once less than 10 % is followed, following begins again with that frame; value: the largest median of 3"
    " values in a row (of all in shorter clips)"
)
_STYLE = (
    f"on {SMALL}: exp(-mean of five terms); line density d (share of pixels where the Sobel gradient of L* is"
    " above a quarter of its range, per pixel) as ln(d + 0.01) and number n of flat regions (connected areas of one of at most 6 dominant"
    " colours, of at least 0.2 % of the picture) as ln(n + 1), both in units of ln 2; saturation (mean of (max - min) / max of R, G and B)"
    " in units of 0.2; contrast (standard deviation of L* / 100) in units of 0.1; each of these terms is how far the frame lies outside the"
    f" range of the style's reference pictures; the fifth is the {_EMD} to the nearest reference, in units of 20 CIEDE2000; value: the"
    " median over at most 4 frames, those whose number is a multiple of the smallest power of two that leaves so few"
)

SPECS = (
    MetricSpec("palette-distance", "1", "CIEDE2000", Direction.LOWER, _DISTANCE, _CIEDE2000, Stage.IDENTITY, reads="characters"),
    MetricSpec(
        "palette-drift",
        "1",
        "CIEDE2000",
        Direction.LOWER,
        _DRIFT,
        f"{_TRANSPORT}; {_CIEDE2000}; flow: Kroeger et al., Fast optical flow using dense inverse search, ECCV 2016;"
        " where flow agrees: Sundaram, Brox and Keutzer, Dense point trajectories, ECCV 2010",
    ),
    MetricSpec("style-similarity", "1", "ratio", Direction.HIGHER, _STYLE, f"{OWN}; {_TRANSPORT}", reads="style"),
)
