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
    f"for each character, on {SMALL}, {_COUNTED}: a slot's distance is the smallest CIEDE2000 within which at least 0.2 % of the frame lies"
    " from the slot's colour; a frame's value is the mean over slots of the distance, cut off at 20, weighted hair 4, skin 2, outfit 1,"
    " primary 1 (eyes and accent are too small and left out, and slots that the palette lacks); frames of which less than 2 % lies within"
    " 10 of any of these colours do not show the character and are left out; value: the smallest that nine tenths of the other frames do"
    " not exceed (nearest rank); the whole frame is searched for each character"
)
_DRIFT = (
    f"on {SMALL}, every pixel is followed back to the first frame by DIS optical flow (OpenCV, preset fast, 8-bit grey, from each"
    " frame to the one before), as long as it came from inside the frame and flow b back and f forth agree, |b + f|² < 0.01 (|b|² +"
    f" |f|²) + 0.5 px²; a frame's value is the {_EMD}, of every second pixel of every second row: the followed pixels now, and what"
    f" they were in the first frame, each as {_COUNTED}; times the share of the frame that is followed; frames whose grey differs by"
    " more than 32 (median, of 255) from what flow brings there are passed over, and flow is taken from the frame before them; after"
    " more than 2 of them, or once less than 10 % is followed, following begins again with that frame; value: the largest median over"
    " 5 consecutive frames (over all in shorter clips)"
)
_STYLE = (
    f"on {SMALL}: exp(-mean of five terms); line density d (share of pixels where the Sobel gradient of L* is"
    " above a quarter of its range, per pixel) as ln(d + 0.01) and number n of flat regions (connected areas of one of at most 6 dominant"
    " colours, of at least 0.2 % of the picture) as ln(n + 1), both in units of ln 2; saturation (mean of (max - min) / max of R, G and B)"
    " in units of 0.2; contrast (standard deviation of L* / 100) in units of 0.1; each of these terms is how far the frame lies outside the"
    f" range of the style's reference pictures; the fifth is the {_EMD} to the nearest reference, in units of 20 CIEDE2000; value: the"
    " median over at most 8 frames, those whose number is a multiple of the smallest power of two that leaves so few"
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
