"""What trained networks say. Each needs an extra and model files; without them it is unmeasured, and says what is missing."""

from koma.core.metrics.spec import OWN, Direction, MetricSpec, Stage

_FACES = ("face-detector", "face-recogniser")
_CLIP = ("clip-vit-l-14",)

SAMPLED = (
    "sampled frames are frames 0, s, 2s, ... with s the smallest power of two that leaves at most 8, and the last frame, each as RGB over"
    " white, reduced by area averaging until its longer side is 1920 px (never enlarged)"
)
_DETECTED = (
    "a face is what the detector (SCRFD, insightface 2) finds with a score of 0.5 or more in the frame scaled to fit the upper left"
    " corner of a black square of 640 px (bilinear, channels in the order R, G, B, less 127.5, divided by 128), after non-maximum"
    " suppression at an overlap of 0.4, if its five points do not coincide; a frame that is narrower than 8 px there holds none"
)
_SCRFD = "Guo et al., Sample and Computation Redistribution for Efficient Face Detection, ICLR 2022"
_ARCFACE = "Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019"
_SEEN = (
    "a CLIP vector is what the image tower of CLIP ViT-L/14 (OpenAI's weights, QuickGELU) gives for the picture scaled until its shorter"
    " side is 224 px (bicubic), cut to the central 224 x 224 px, channels in the order R, G, B, with the mean and deviation of CLIP, scaled"
    " to length 1; a picture more than eight times as long as wide first loses its ends"
)
_RADFORD = "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021"
_CCIP = "CCIP, contrastive anime character image pre-training, deepghs"

SPECS = (
    MetricSpec(
        "face-count",
        "1",
        "faces",
        Direction.EXACT,
        f"median (of an even number the lower one) over the sampled frames of the number of faces, 0 included; {_DETECTED}; {SAMPLED}",
        f"{OWN}; {_SCRFD}",
        weights=_FACES[:1],
        extra="quality",
    ),
    MetricSpec(
        "face-quality",
        "1",
        "ratio",
        Direction.HIGHER,
        "median over the sampled frames that show a face of the quality of their best face, 0..1: confidence x sharpness x pose"
        " completeness. Confidence is the score of the detector. Sharpness is min(1, v / 100) with v the variance of the 4-neighbour"
        " Laplacian of Rec. 709 luma (0..255) of the face's box, cut off at the edge of the frame and scaled to 112 x 112 px (area"
        " averaging if its shorter side is 112 px or more, else bilinear). Pose completeness is inside x symmetry x size: inside is the"
        " share of the five points that lie in the frame; symmetry is min(1, (0.5 - d) / 0.25), at least 0, with d the distance of the"
        " nose from the middle between the eyes along the line of the eyes, as a share of the way from eye to eye; size is min(1,"
        f" shorter side of the box / 64 px). Unmeasured where no sampled frame shows a face; {_DETECTED}; {SAMPLED}",
        f"{OWN}; {_SCRFD}",
        weights=_FACES[:1],
        extra="quality",
    ),
    MetricSpec(
        "face-similarity",
        "1",
        "cosine",
        Direction.HIGHER,
        "for each character, the median of the cosine over the sampled frames in which a face was matched to it. The cosine is between"
        " the embedding of that face and the mean of the embeddings of the character's references, each scaled to length 1 before and"
        " after the mean; of a reference its largest face counts, and a reference without a face is left out. An embedding is 512"
        " numbers of the recogniser (ArcFace) for the face brought to 112 x 112 px by the similarity that fits its five points best"
        " (bilinear, channels in the order R, G, B, less 127.5, divided by 127.5). The faces of a frame are matched to the characters"
        " that have a usable reference, one to one, by the assignment with the largest sum of cosines. Unmeasured where no face was"
        f" matched, or no reference can be used; {_DETECTED}; {SAMPLED}",
        f"{_ARCFACE}; {_SCRFD}",
        Stage.IDENTITY,
        reads="characters",
        weights=_FACES,
        extra="quality",
    ),
    MetricSpec(
        "ccip-difference",
        "1",
        "",
        Direction.LOWER,
        "for each character, the median over the sampled frames of the median difference (CCIP) to each of its references. A picture"
        " becomes 768 numbers: whole, scaled to 384 x 384 px (bilinear, aspect not kept), channels in the order R, G, B, 0..1, less"
        " (0.48145466, 0.4578275, 0.40821073), divided by (0.26862954, 0.26130258, 0.27577711); the metric model gives the difference of"
        " two of them. With one character the whole frame is compared. With n characters, since CCIP knows pictures of one, the frame is"
        " cut into n columns of equal width, which are matched to the characters that have a usable reference, one to one, by the"
        f" assignment with the smallest sum of differences. Unmeasured where no reference can be used; {SAMPLED}",
        _CCIP,
        Stage.IDENTITY,
        reads="characters",
        weights=("ccip-features", "ccip-metric"),
        extra="quality",
    ),
    MetricSpec(
        "aesthetic",
        "1",
        "0..10",
        Direction.HIGHER,
        "mean over the sampled frames of what the linear head (LAION v1, not the later MLP, which has another scale) gives for the frame's"
        f" CLIP vector; trained on ratings from 1 to 10, not cut off at 0 or 10; {_SEEN}; {SAMPLED}",
        "LAION aesthetic predictor v1 (LAION-AI/aesthetic-predictor); VBench, which divides it by 10, calls it aesthetic quality",
        weights=(*_CLIP, "aesthetic-head"),
        extra="quality",
    ),
    MetricSpec(
        "lpips-temporal",
        "1",
        "LPIPS",
        Direction.LOWER,
        "mean over all pairs of neighbouring frames of LPIPS v0.1 with AlexNet, not sampled: each frame as R, G, B, reduced by area"
        " averaging until its longer side is 256 px (never enlarged), -1..1. Duplicated frames count, so a clip on twos has about half the"
        " value of the same drawings on ones, and a clip that stands still has 0. Unmeasured where the shorter side is then below 32 px, or"
        " there is no pair",
        "Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018",
        weights=("lpips-trunk", "lpips-heads"),
        extra="quality",
    ),
    MetricSpec(
        "clip-consistency",
        "1",
        "cosine",
        Direction.HIGHER,
        "for each sampled frame but the first, the mean of two cosines, each at least 0: of its CLIP vector to that of the sampled frame"
        f" before, and to that of the first frame; then the mean of these. Unmeasured for a picture; {_SEEN}; {SAMPLED}",
        "subject consistency of VBench (Huang et al., CVPR 2024), with CLIP in the place of DINO and sampled frames in the place of all",
        weights=_CLIP,
        extra="quality",
    ),
    MetricSpec(
        "clip-similarity",
        "1",
        "cosine",
        Direction.HIGHER,
        "for each character, the median over the sampled frames of the cosine between the frame's CLIP vector and the mean of the CLIP"
        " vectors of the character's references, scaled to length 1. The whole frame is compared, background and other characters with it."
        f" Unmeasured where no reference can be used; {_SEEN}; {SAMPLED}",
        f"{OWN}; {_RADFORD}",
        Stage.IDENTITY,
        reads="characters",
        weights=_CLIP,
        extra="quality",
    ),
)
