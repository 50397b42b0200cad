"""The values that count where nobody wrote one. Plain values, so that reading them costs no import of a model."""

from typing import Final

WIDTH: Final = 1024
HEIGHT: Final = 576
FPS: Final = 24.0
FRAMES: Final = 48
PHASES: Final = ("still", "video")
TAKES: Final = {"animatic": 1, "still": 3, "loop": 3, "video": 3}
TAKES_UP_FRONT: Final = 1
# By failure kind, what follows the first take that failed of it, the second, ...
RETRIES: Final = {"default": ({"seed": "new"},), "black": ({"seed": "new"}, {"restart": True})}
LORA_STRENGTH: Final = 0.8
CHARACTER_HEIGHT: Final = 1.0
CONSISTENCY_THRESHOLD: Final = 0.7
CAMERA_SPEED: Final = 1.0
REFERENCE_WEIGHT: Final = 0.6
SHEET_TEMPLATE: Final = "character-sheet"
POSES: Final = ("front", "side", "back", "three-quarter", "sitting", "walking", "action", "close-up")
BASE_VERSION: Final = "base"
GATE_PROFILE: Final = "basic"
MAX_SEED: Final = 2**64 - 1
RULE_WHEN: Final = "post"
PHASE_SCOPE: Final = "project"
PASS_RATE: Final = 0.8
SHEET_POSES_NEEDED: Final = 7
MAX_CHAIN: Final = 3
COLOUR_MATCH: Final = 0.5
LEAST_LABELS: Final = 30  # takes of each kind, good and bad, without which no threshold is found from them
