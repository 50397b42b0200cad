"""What the daemon learns of its servers, and how soon, in virtual time."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from koma import __version__
from koma.app.known import KnownServer
from koma.app.versions import LOOK_AGAIN, PROBE_SECONDS, Versions
from koma.core.request import BackendStatus
from koma.core.words import BackendKind
from support.virtual import VirtualClock, run


class Told:
    """A worker that is told of backends."""

    def __init__(self):
        self.heard = []

    def reached(self, kind, message, *, up, first=False):
        self.heard.append(up)


class Served:
    """A backend with one loader, whose files and memory change as a test likes."""

    kind, name = BackendKind.COMFYUI, "studio"

    def __init__(self):
        self.files, self.total, self.up, self.read = ["ink.safetensors"], 12 << 30, True, 0

    async def probe(self):
        return BackendStatus(self.up, "1.0", self.total, self.total, versions={"comfyui": "1.0"}, device="cuda")

    async def signatures(self):
        self.read += 1
        choices = {"type": "COMBO", "choices": self.files}
        return {"Load": {"module": "nodes", "required": {"file": choices}, "optional": {}, "output": ["MODEL"], "output_node": False}}


@pytest.fixture
def app(tmp_path):
    return SimpleNamespace(server=KnownServer(tmp_path))


def asked(app, backend, seconds, *, lacking=False, meanwhile=None):
    """Times (in virtual seconds) at which something that plans read had changed."""
    clock, changes = VirtualClock(), []

    async def main():
        versions = Versions(app, lambda: lacking)
        await versions.ask(Told(), [backend])
        probing = asyncio.create_task(versions.keep_asking(Told(), [backend], lambda: changes.append(clock.elapsed)))
        if meanwhile is not None:
            meanwhile()
        await asyncio.sleep(seconds)
        probing.cancel()

    run(clock, main)
    return changes


def test_what_the_server_has_is_kept(app):
    asked(app, Served(), 0.0)
    assert "ink.safetensors" in app.server.signatures_file.read_text()
    assert json.loads(app.server.memory_file.read_text()) == {"device": "cuda", "total": 12 << 30}


class Beside(Served):
    """What works on this machine, beside the server."""

    kind, name = BackendKind.CPU, "cpu"

    async def probe(self):
        return BackendStatus(True, "0.1", versions={"av": "18.0"})

    async def signatures(self):
        return None


def test_the_versions_of_a_backend_are_kept_apart_from_those_of_another(app):
    versions = Versions(app)
    asyncio.run(versions.ask(Told(), [Served(), Beside()]))
    assert versions.known[BackendKind.COMFYUI] == {"koma": __version__, "comfyui": "1.0"}
    assert versions.known[BackendKind.CPU] == {"koma": __version__, "cpu": "0.1", "av": "18.0"}
    assert json.loads(app.server.versions_file.read_text()) == {"koma": __version__, "comfyui": "1.0", "cpu": "0.1", "av": "18.0"}


@pytest.mark.parametrize(
    ("lacking", "after"),
    [
        pytest.param(False, LOOK_AGAIN * PROBE_SECONDS, id="a new file is seen within a minute"),
        pytest.param(True, PROBE_SECONDS, id="where something is missing, at the next probe"),
    ],
)
def test_a_file_that_appears_changes_the_plan_once(app, lacking, after):
    backend = Served()
    changes = asked(app, backend, 200.0, lacking=lacking, meanwhile=lambda: backend.files.append("other.safetensors"))
    assert changes == [after]


def test_a_server_with_another_card_changes_the_plan(app):
    backend = Served()
    changes = asked(app, backend, 200.0, meanwhile=lambda: setattr(backend, "total", 24 << 30))
    assert changes == [PROBE_SECONDS]


def test_files_are_listed_only_now_and_then_while_nothing_is_missing(app):
    backend = Served()
    assert asked(app, backend, LOOK_AGAIN * PROBE_SECONDS * 2 + 1) == []
    assert backend.read == 3
