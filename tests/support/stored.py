"""Small takes, jobs and published rows for tests of stores."""

from dataclasses import replace
from hashlib import sha256

from koma.core.gate import Check, GateResult, Measurement, Op, Rule
from koma.core.job import Job, JobState, Work
from koma.core.media import Artifact, InputFile, Media, Role
from koma.core.request import Failure, FailureClass, RenderRequest
from koma.core.rows import Published
from koma.core.take import Take
from koma.core.words import ActionKind, BackendKind, Verdict

TARGET = "lantern-street/s01/sh010/still"


def hexed(text):
    return sha256(text.encode()).hexdigest()


def artifact(name="picture", role=Role.OBJECT):
    return Artifact(role, Media.IMAGE, hexed(f"{name} file"), hexed(f"{name} pixels"), ".png", 1234, 64, 36)


def gate(verdict=Verdict.PASSED):
    rule = Rule("decodes", Op.AT_LEAST, 1.0)
    return GateResult(verdict, (Check(rule, 1.0, verdict, "decodes 1 is >= 1"),))


def take(number=1, *, target=TARGET, rendition="animatic", render_key="k1", decided=False, verdict=Verdict.PASSED, **changes):
    made = Take(
        take_key=hexed(f"{render_key} {number}"),
        target=target,
        rendition=rendition,
        render_key=render_key,
        number=number,
        seed=2**64 - number,
        backend=BackendKind.ANIMATIC,
        template="still",
        artifacts=(artifact(f"{render_key} {number}"), artifact("poster", Role.POSTER)),
        measure_key="m1",
        measurements=(Measurement("decodes", "1", "", 1.0, details={"frames": [1, 2.5]}),),
        rules_digest="r1",
        gate=gate(verdict),
        decided=decided,
        failure=None,
        render_seconds=2.5,
        finished_at=1000.0 + number,
        facts={"shot.seed": 2024, "prompt": "雨の路地"},
        receipt={"graph": {"3": {"inputs": {"seed": 1}}}},
    )
    return replace(made, **changes)


def failed_take(number=1, **changes):
    failure = Failure(FailureClass.NODE, "the sampler stopped", "Traceback \udce9")
    return take(number, artifacts=(), gate=None, failure=failure, **changes)


def published(of=None, **changes):
    of = of or take()
    row = Published(
        target=of.target,
        rendition=of.rendition,
        take_key=of.take_key,
        render_key=of.render_key,
        path=f"{of.target}.{of.rendition}.png",
        size=1234,
        verdict=of.verdict.value,
        measure_key=of.measure_key,
        rules_digest=of.rules_digest,
        content_digest=hexed("pixels"),
        decided=of.decided,
    )
    return row._replace(**changes)


def job(job_id="j1", state=JobState.QUEUED, *, target=TARGET, rendition="animatic", **changes):
    request = RenderRequest(
        prompt_id="0b0e7f1c-3c39-5b1f-8a5e-0d1f3c6f6a10",
        prefix="koma/ab/1",
        kind=BackendKind.ANIMATIC,
        document={"1": {"class_type": "EmptyImage", "inputs": {"width": 64}}},
        inputs=(InputFile("koma-input:image", hexed("in"), hexed("in file"), ".png"),),
        media=Media.IMAGE,
        label=f"{target} take 1",
    )
    work = Work(
        target=target,
        rendition=rendition,
        phase="still",
        render_key="k1",
        take_key=hexed("k1 1"),
        number=1,
        seed=2**64 - 1,
        backend=BackendKind.ANIMATIC,
        template="still",
        stem=f"{target}.{rendition}",
        request=request,
        measures=("decodes",),
        measure_key="m1",
        rules=(Rule("decodes", Op.AT_LEAST, 1.0),),
        rules_digest="r1",
        expect={"width": 64, "height": 36},
        facts={"shot.seed": 2024},
        origin={"commit": None},
    )
    return replace(Job(job_id, ActionKind.RENDER, state, work, queued_at=1.0), **changes)
