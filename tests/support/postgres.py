"""A throw-away PostgreSQL cluster, started and stopped by the tests themselves, and an empty schema in it for each that asks.

The server may not run as root, so root lends it to a user who owns nothing else. Local connections need no password, those over TCP do.
"""

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "lantern-%41/sesame"  # noqa: S105  # with characters that an address has to escape
ESCAPED = "lantern-%2541%2Fsesame"
_SECONDS = 60.0
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_USERS = ("postgres", "nobody")


def binaries() -> Path | None:
    """Folder of the newest server's programs, which Debian keeps off the PATH."""
    found = [Path(name).parent for name in [shutil.which("initdb")] if name]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return next((folder for folder in reversed(found) if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


def needs_postgres() -> None:
    """Skip, a whole file if need be, where there is no server to start or nothing to speak to it with."""
    if binaries() is None:
        pytest.skip("needs the program `postgres` (Debian: apt install postgresql)", allow_module_level=True)
    if not available():
        pytest.skip("needs the Python packages `psycopg` and `psycopg_pool` (pip install 'koma[postgres]')", allow_module_level=True)


def available() -> bool:
    """Whether there is a server to start, and something to speak to it with."""
    return binaries() is not None and all(map(find_spec, ("psycopg", "psycopg_pool")))


class LosesCommit:
    """Stands before the connection of a writer, and loses the reply to its next COMMIT: it was carried out, and nobody knows."""

    def __init__(self, connection: Any, lost: Callable[[], None]) -> None:
        self._connection = connection
        self._lost = lost

    @classmethod
    def arm(cls, store: Any, lost: Callable[[], None]) -> None:
        """Put one before the connection of this store; `lost` is called when it happens."""
        store._writer._connection = cls(store._writer._connection, lost)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, query: str, given: Any = None) -> Any:
        answer = self._connection.execute(query, given)
        if query != "COMMIT":
            return answer
        import psycopg

        self._lost()
        self._connection.close()
        raise psycopg.OperationalError("the reply is lost")


class Cluster:
    """One cluster in a folder of its own. `durable` makes it write to the disk as a real one does, for tests that kill it."""

    def __init__(self, *, durable: bool = False) -> None:
        self._bin = binaries()
        self._user = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="koma-postgres-"))
        self.folder.chmod(0o755)
        self.port = _free_port()
        self._durable = durable
        self._server: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._make()

    @property
    def running(self) -> bool:
        return self._server is not None

    def address(self, database: str = "postgres", schema: str = "", *, tcp: bool = False, password: str = "") -> str:
        """Address of a database, by the socket file or by TCP."""
        options = f"options=-csearch_path%3D{schema}" if schema else ""
        if tcp:
            secret = f":{password}" if password else ""
            return f"postgresql://koma{secret}@127.0.0.1:{self.port}/{database}{options and '?'}{options}"
        where = f"host={self.folder}&port={self.port}"
        return f"postgresql://koma@/{database}?{where}{options and '&'}{options}"

    def fresh(self) -> str:
        """Address of an empty schema that nobody has used."""
        schema = f"s{next(self._names)}"
        self.execute(f"CREATE SCHEMA {schema}")
        return self.address(schema=schema)

    def execute(self, query: str, *given: Any, database: str = "postgres", schema: str = "") -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; its rows."""
        import psycopg

        with psycopg.connect(self.address(database, schema), autocommit=True) as connection:
            cursor = connection.execute(query, given or None)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self.folder / "server.log").open("ab")
        self._server = subprocess.Popen(
            self._command(),
            stdout=log,
            stderr=log,
            user=self._user,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=_end_with_the_tests,  # noqa: PLW1509  # one system call, and no lock is taken
        )
        log.close()
        deadline = time.monotonic() + _SECONDS
        while not self._answers():
            said = (self.folder / "server.log").read_text()[-2000:]
            assert self._server.poll() is None, f"the server ended: {said}"
            assert time.monotonic() < deadline, f"the server does not answer: {said}"
            time.sleep(0.02)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it: cleanly (`fast`), or `at_once` as a crash would, so that it has to recover (`immediate`)."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._server.wait(_SECONDS)
            self._server = None

    def remove(self) -> None:
        """Stop it, and delete everything."""
        self.stop(at_once=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def away(self, *, at_once: bool = True) -> Iterator[None]:
        """Stop it for as long as the block lasts."""
        self.stop(at_once=at_once)
        try:
            yield
        finally:
            self.start()

    def _make(self) -> None:
        data, secret = self.folder / "data", self.folder / "password"
        data.mkdir()
        secret.write_text(PASSWORD)
        if self._user is not None:
            for path in (self.folder, data, secret):
                os.chown(path, self._user, -1)
        command = [self._bin / "initdb", "-D", data, "-U", "koma", "-E", "UTF8", "--locale=C", "--no-sync"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"]
        made = subprocess.run(command, user=self._user, cwd=self.folder, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stdout + made.stderr

    def _command(self) -> list[str]:
        fsync = "on" if self._durable else "off"
        settings = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "fsync": fsync,
            "full_page_writes": fsync, "shared_buffers": "16MB", "max_connections": 50, "autovacuum": "off" if not self._durable else "on",
            "timezone": "UTC",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._bin / "postgres"), "-D", str(self.folder / "data"), *options]  # type: ignore[operator]

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.address(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


@cache
def shared() -> Cluster:
    """The cluster of this process, started when first needed and removed at its end. It does not wait for the disk."""
    needs_postgres()
    cluster = Cluster()
    atexit.register(cluster.remove)
    cluster.start()
    return cluster


_SCHEMAS: dict[Path, str] = {}


def address_of(folder: Path) -> str:
    """Address of a schema of the shared cluster that belongs to a folder: empty at first, and the same each time."""
    if folder not in _SCHEMAS:
        _SCHEMAS[folder] = shared().fresh()
    return _SCHEMAS[folder]


def _unprivileged() -> int | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return next(known[name] for name in _USERS if name in known)


def _end_with_the_tests() -> None:
    """Let the kernel stop the server where the tests are killed and can't."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
