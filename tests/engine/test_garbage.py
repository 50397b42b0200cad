"""What nothing needs any more: every file of a take that is kept stays, the last frame of a clip with them; and what jobs still read."""

from dataclasses import replace

import pytest

from koma.core.against import Against, Picture, Subject
from koma.core.media import Role
from koma.engine.garbage import marked
from support.stored import job
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


def test_pictures_that_an_unfinished_job_compares_with_are_kept():
    picture = Picture("c" * 64, "f" * 64, ".png")
    waiting = job()
    waiting = replace(waiting, work=replace(waiting.work, against=Against((Subject("aki", references=(picture,)),))))
    assert picture.file_digest in marked([], [waiting], [])
