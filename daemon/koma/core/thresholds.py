"""Thresholds of the profiles, each with the reason for its value. None is calibrated: `koma calibrate` makes a project's own."""

# Anime holds a drawing for two, three or four frames: on fours, three pairs of four stand still.
FROZEN_MAX = 0.8
# Vetoes only what is plainly smeared: at the working size, a clean drawing measures in the hundreds and a heavy blur below 10.
SHARPNESS_MIN = 15.0
SHARPNESS_MAX = 4000.0
NOISE_MAX = 6.0
BLOCKINESS_MAX = 1.5
FLICKER_MAX = 2.0
FLOW_SMOOTHNESS_MIN = 0.4
DYNAMIC_DEGREE_MIN = 0.25
PEAK_STEP_MAX = 6.0
LOOP_SEAM_MAX = 2.0
TAIL_MAX = 0.15
MELT_MAX = 1.0
PALETTE_DRIFT_MAX = 12.0
PALETTE_DISTANCE_MAX = 15.0
STYLE_SIMILARITY_MIN = 0.85

# The predecessor's numbers, for metrics that take weights. They were made for photographs and by other definitions.
LIKENESS_MIN = 0.7  # cosine to the mean of the references; 0.28 to 0.5 are common working points of ArcFace
SHEET_LIKENESS_MIN = 0.85
CCIP_DIFFERENCE_MAX = 0.178  # published with the model
FACE_QUALITY_MIN = 0.8
AESTHETIC_MIN = 5.5  # 0..10
LPIPS_MAX = 0.15
COHERENCE_MIN = 0.85  # says nothing without a definition: see docs/quality.md
OVERALL_MIN = 0.8
