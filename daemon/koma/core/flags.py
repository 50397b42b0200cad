"""What the small facts say that a store keeps of a target, under `retry:TARGET:RENDITION` and `cancelled:TARGET:RENDITION`."""

from typing import Final

LOST: Final = "lost"  # retry: the published take is to be made once more, since what is read of it is gone
AGAIN: Final = "again"  # retry: a person asked; what lacked something is measured again, else another take is made
NEXT: Final = "next"  # cancelled: its render_key was not known when it was cancelled
