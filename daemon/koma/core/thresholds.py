"""Thresholds of the profiles, each with the reason for its value. None is calibrated: `koma calibrate` makes a project's own."""

# What was measured stands in docs/quality.md: clips drawn by koma.measures.specimens, clean and with one fault each, in three sizes.

FROZEN_MAX = 0.8  # anime holds a drawing for two, three or four frames: on fours, three pairs of four stand still
SHARPNESS_MIN = 30.0  # a strong blur leaves 21 at most, a clean drawing has 570 at least; vetoes what is plainly smeared
SHARPNESS_MAX = 8000.0  # three times what the densest clean drawing has; beyond, it is grain
NOISE_MAX = 4.0  # flat colour has less than 0.1, noise of deviation 8 about 5.5; the grain of film stays below
BLOCKINESS_MAX = 1.35  # without a grid up to 1.13, JPEG of quality 10 from 1.74 on
FLICKER_MAX = 1.5  # drawings on threes have 0.4, a flicker of 1 % has 4
FLOW_SMOOTHNESS_MIN = 0.8  # drawings on threes have 0.89 at least, frames out of order 0.65 at most
MOTION_SPEED_MIN = 0.03  # what stands still has 0 whatever its grain, a clip slowed fifty times 0.02, a slow push-in 0.04
DYNAMIC_DEGREE_MIN = 0.25  # VBench's own; shown only: a slow camera or two people who talk do not reach it
PEAK_STEP_MAX = 8.0  # even motion has 1.5 at most, a cut from 10 on; somebody who comes in fast has 7
LOOP_SEAM_MAX = 2.0  # closed loops have 1.4 at most, a loop that lacks a twelfth from 2.7 on
TAIL_MAX = 0.15  # drawings that are held change in time; a quarter that was filled up has 0.25
MELT_MAX = 0.25  # drawings on threes have 0.19, a face that wobbles by a hundredth of the picture 0.30
PALETTE_DRIFT_MAX = 4.4  # light that changes on the way has 4.1, hair that goes over into another colour 4.6 at least
PALETTE_DISTANCE_MAX = 8.0  # the right character has 1 to 5, hair of another colour 11
STYLE_SIMILARITY_MIN = 0.4  # one style on other subjects has 0.5 to 0.9; shown, never required

# The predecessor's numbers, for metrics that take weights. They were made for photographs and by other definitions.
LIKENESS_MIN = 0.7  # cosine to the mean of the references; 0.28 to 0.5 are common working points of ArcFace
SHEET_LIKENESS_MIN = 0.85
CCIP_DIFFERENCE_MAX = 0.178  # published with the model
FACE_QUALITY_MIN = 0.8
AESTHETIC_MIN = 5.5  # 0..10
LPIPS_MAX = 0.15
COHERENCE_MIN = 0.85  # says nothing without a definition: see docs/quality.md
OVERALL_MIN = 0.8
