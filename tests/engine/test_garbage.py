"""What nothing needs any more: every file of a take that is kept stays, the last frame of a clip with them."""

import pytest

from koma.core.media import Role
from koma.engine.garbage import marked
from support.takes import Workshop

KEPT_BY = {
    "a take that the store knows": lambda take: ([take], [], []),
    "a receipt alone": lambda take: ([], [], [take.receipt]),
}


@pytest.mark.parametrize("known", KEPT_BY.values(), ids=KEPT_BY)
def test_every_object_of_a_clip_is_kept_by(known, tmp_path):
    take = Workshop(tmp_path).clip()
    assert {artifact.role for artifact in take.artifacts} == set(Role)
    assert {artifact.file_digest for artifact in take.artifacts} <= marked(*known(take))
