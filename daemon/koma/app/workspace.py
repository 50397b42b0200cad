"""One workspace, put together as far as a command needs it.

Adapters are imported when they are first used, so that `koma plan` with nothing to do pays for none that it does not need.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from koma import __version__
from koma.app.known import KnownServer, digest_of
from koma.app.settings import read_config
from koma.app.storing import is_there, open_reader, open_store
from koma.config import Config, find_workspace
from koma.core.keys import KEY_FORMAT
from koma.core.words import BackendKind, Rendition
from koma.engine.survey import Surveyor
from koma.engine.templates import Templates
from koma.engine.wanted import Desires

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from koma.core.models import LockedModel
    from koma.core.problem import Problem
    from koma.engine.drafting import Drafting
    from koma.engine.retaking import Retakes
    from koma.engine.studio import Studio
    from koma.measures.learned.store import Models
    from koma.measures.measure import FileMeasure
    from koma.pixels.decoder import Decoder
    from koma.ports import Backend, Clock, Renderer, Source, Store, StoreReader
    from koma.publish.media import MediaBuilder
    from koma.publish.objects import FileObjects
    from koma.publish.publisher import FolderPublisher
    from koma.sources.cache import Cache
    from koma.telemetry.clock import SteadyClock


class App:
    """One workspace. `writes` says that this process holds the state's lock and may write it."""

    def __init__(self, config: Config, *, writes: bool = False, settle: bool = False) -> None:
        self.config = config
        self._writes = writes
        self._settle = settle
        self._opened: list[Callable[[], None]] = []

    @classmethod
    def open(cls, workspace: Path | None, *, writes: bool = False, settle: bool = False) -> Self:
        """Open the workspace that was named, or the nearest one. Raises ConfigError, WorkspaceError."""
        return cls(read_config(find_workspace(workspace, Path.cwd())), writes=writes, settle=settle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release everything that was opened."""
        while self._opened:
            self._opened.pop()()

    @cached_property
    def cache(self) -> Cache:
        """What was parsed and resolved before."""
        from koma.sources.cache import Cache

        cache = Cache(self.config.paths.cache, version=f"{__version__} {KEY_FORMAT}")
        self._opened.append(cache.close)
        return cache

    @cached_property
    def source(self) -> Source:
        """Documents, templates and pictures."""
        from koma.sources.directory import DirectorySource

        config = self.config
        templates = os.path.relpath(config.paths.templates, config.workspace)
        settle = config.source.references_settle if self._settle else 0.0
        directory = DirectorySource(
            config.workspace, config.watch, templates, self.cache, settle_seconds=settle, quiet_seconds=config.source.debounce_seconds
        )
        if config.source.mode == "directory":
            return directory
        from koma.sources.commits import CommitSource
        from koma.sources.git import GitSource

        source, folders = config.source, [*(pattern.removesuffix("/*") for pattern in config.watch), templates]
        remote = "://" in source.repository or "@" in source.repository
        repository = source.repository if remote else config.workspace / source.repository
        return CommitSource(directory, GitSource(repository, source.ref, folders, config.paths.private / "git"))

    @cached_property
    def store(self) -> Store:
        """What Koma remembers."""
        if self._recalled is not None:
            return self._recalled
        store = open_store(self.config, self.clock, writes=self._writes)
        self._opened.append(store.close)
        return store

    @cached_property
    def has_store(self) -> bool:
        """Whether there is a store, or only what receipts tell."""
        return is_there(self.config)

    @cached_property
    def _recalled(self) -> Store | None:
        """For who only reads where the store is lost: what the next run will rebuild, in memory."""
        if self._writes or self.has_store:
            return None
        from koma.app.recalling import recall
        from koma.stores.memory import MemoryStore

        store = MemoryStore()
        recall(store, self.publisher)
        return store

    @cached_property
    def reader(self) -> StoreReader:
        """The few columns of the store that a plan with nothing to do reads."""
        if self._writes or self._recalled is not None:
            return self.store
        reader = open_reader(self.config)
        if reader is None:
            return self.store
        self._opened.append(reader.close)
        return reader

    @cached_property
    def objects(self) -> FileObjects:
        """The object store."""
        from koma.publish.objects import FileObjects

        return FileObjects(self.config.paths.objects)

    @cached_property
    def media(self) -> MediaBuilder:
        """Decoding and encoding."""
        from koma.publish.media import MediaBuilder

        return MediaBuilder(self.objects, self.scratch)

    @cached_property
    def decoder(self) -> Decoder:
        """Decoding of what others made, in a process of its own."""
        from koma.pixels.decoder import Decoder

        decoder = Decoder()
        self._opened.append(decoder.close)
        return decoder

    @property
    def scratch(self) -> Path:
        """Folder for files on their way, on the same disk as the outputs. The lock's holder has one of its own, which it may empty."""
        folder = self.scratches / "daemon" if self._writes else self.scratches
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def scratches(self) -> Path:
        """Folder of all that is on its way, whoever put it there."""
        return self.config.paths.private / "tmp"

    @cached_property
    def publisher(self) -> FolderPublisher:
        """The outputs folder."""
        from koma.publish.publisher import FolderPublisher

        return FolderPublisher(self.config.paths.outputs, self.objects)

    @cached_property
    def clock(self) -> SteadyClock:
        """Time for decisions: it goes on evenly while this process lives, whatever the machine's clock is set to."""
        from koma.telemetry.clock import SteadyClock

        return SteadyClock()

    @cached_property
    def wall(self) -> Clock:
        """The machine's clock, as people see it."""
        from koma.telemetry.clock import SystemClock

        return SystemClock()

    @property
    def disk_time(self) -> float:
        """Seconds since the epoch to compare times of files with: after the clock was set, none looks older than it is."""
        return min(self.clock.now(), self.wall.now())

    @cached_property
    def renderer(self) -> Renderer:
        """Templates to graphs."""
        from koma.templating.confined import ConfinedRenderer

        renderer = ConfinedRenderer()
        self._opened.append(renderer.close)
        return renderer

    @cached_property
    def server(self) -> KnownServer:
        """What is known of the server that answered last."""
        return KnownServer(self.config.paths.private)

    def _salt(self) -> str:
        """Name what targets depend on besides documents: what the server has, versions that strict projects have in keys, models."""
        server = self.server.salt()
        models = digest_of(self.config.paths.models_lock)
        return f"{server} {models} {self._equipment()}" if models else server

    def _recorded(self) -> tuple[Mapping[str, LockedModel], Sequence[Problem]]:
        """Models that are recorded, and what is wrong with their list."""
        if not self.config.paths.models_lock.is_file():
            return {}, ()
        return self.models.locked, self.models.problems

    def _equipment(self) -> Mapping[str, str]:
        """Say how the file of each model lies there, and under "" what runs them: libraries, and where. Nothing where none is recorded."""
        if not self.config.paths.models_lock.is_file():
            return {}
        from importlib.util import find_spec

        libraries = ("onnxruntime", "insightface", "scipy", "torch", "open_clip", "lpips")
        found = (name for name in libraries if find_spec(name) is not None)
        return {"": " ".join([self.config.measure.device, *found]), **self.models.states()}

    @cached_property
    def templates(self) -> Templates:
        """Template folders."""
        return Templates(self.source, os.path.relpath(self.config.paths.templates, self.config.workspace), self.cache)

    @cached_property
    def drafting(self) -> Drafting:
        """Scenes to target rows."""
        from koma.engine.drafting import Drafting
        from koma.engine.forms import Forms
        from koma.engine.graphs import Graphs

        forms = Forms(self.cache, self.server.salt)
        graphs = Graphs(lambda: self.renderer, lambda: self.server.signatures, lambda: self.server.memory, forms)
        return Drafting(self.templates, graphs, self.server.versions)

    @cached_property
    def desires(self) -> Desires:
        """What is wanted."""
        return Desires(
            self.source,
            self.cache,
            self.templates,
            lambda: self.drafting,
            self._salt,
            self._look,
            self._recorded,
            self._equipment,
        )

    def _look(self, file: Path) -> tuple[str, int, int]:
        return self.decoder.look(file)

    @cached_property
    def models(self) -> Models:
        """Model files of the learned metrics."""
        from koma.measures.learned.store import Models

        return Models(self.config.paths.models)

    def measure(self, device: Callable[[], str] = lambda: "cpu") -> FileMeasure:
        """Metrics on files. `device` says where learned metrics run by now."""
        from koma.measures.measure import FileMeasure

        return FileMeasure(lambda picture: self.objects.path(picture.file_digest, picture.suffix), self.models, device)

    @cached_property
    def surveyor(self) -> Surveyor:
        """One look at everything."""
        return Surveyor(
            self.source,
            self.desires,
            self.reader,
            lambda: self.store,
            lambda: self.objects,
            self.config.paths.outputs,
            qualified=lambda: self.server.seconds(self.config.rendition),
            retakes=lambda: self.retakes,
            now=self.clock.now,
            server=self.server.salt,
            receipts=self._writes,
        )

    @cached_property
    def retakes(self) -> Retakes:
        """What later takes change."""
        from koma.engine.retaking import Retakes

        restarts = {BackendKind.COMFYUI} if any(named.restart for named in self.config.backends[:1]) else set()
        return Retakes(self.desires, self.drafting, self.store, restarts)

    @cached_property
    def studio(self) -> Studio:
        """Identity records and pages of characters."""
        from koma.app.eye import eye
        from koma.engine.studio import Studio
        from koma.files import LinkedFolderError, below
        from koma.publish.durable import write_text

        outputs = self.config.paths.outputs

        def write(path: Path, text: str) -> None:
            with suppress(LinkedFolderError):  # what is to be published there fails and says so
                write_text(below(outputs, path), text)

        return Studio(self.source, self.cache, self.desires, self.store, eye(self.models), write, outputs)

    def embedded_backends(self) -> dict[BackendKind, Backend]:
        """Backends that need no server."""
        from koma.backends.animatic.backend import AnimaticBackend
        from koma.backends.cpu.backend import CpuBackend

        return {BackendKind.ANIMATIC: AnimaticBackend(), BackendKind.CPU: CpuBackend()}

    def backends(self, rendition: Rendition) -> Mapping[BackendKind, Backend]:
        """Backends that a rendition is made by. Raises KomaError when ComfyUI is needed and none is named."""
        if rendition is Rendition.ANIMATIC:
            return self.embedded_backends()
        from koma.app.secrets import login_of
        from koma.backends.comfyui.backend import ComfyUIBackend
        from koma.core.errors import KomaError

        named = next(iter(self.config.backends), None)
        if named is None:
            hint = "name one in koma.yaml:  backends: [{name: local, kind: comfyui, url: 'http://127.0.0.1:8188'}]"
            raise KomaError(f"the rendition {rendition} is drawn by ComfyUI, and koma.yaml names no backend", hint)
        comfyui = ComfyUIBackend(named.name, named.url, login=login_of(named), prove=self.decoder.prove)
        return {BackendKind.COMFYUI: comfyui, **self.embedded_backends()}
