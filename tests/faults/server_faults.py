"""A server that misbehaves, night after night: the whole daemon in virtual time, with each fault alone, in random pairs, and on the wire.

`server_faults.py --night "lost reply" "black file" --seed 7` tells one night again.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, repeat
from pathlib import Path
from random import Random
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from support.fake_comfyui import FakeComfyUI
from support.fake_comfyui_faults import NONSENSE, Fault, Faults
from support.night import Arm, Night, pass_night
from support.proxy import Order, Proxy, Trouble
from support.workspaces import STILL, VIDEO

T = TypeVar("T")
SEED = 20
PAIRS = 200


@dataclass(frozen=True, slots=True)
class Expected:
    """What a fault must come to.

    `signs` are lines of the night that say its class; `|` stands between two of which either will do. `cost` is how many renders it may
    waste. `leaves` are classes of failure in which a target may be left to a person. `skips` chances pass before the first one that
    matters, `times` is how often it happens in a row.
    """

    signs: tuple[str, ...] = ()
    cost: int = 0
    leaves: frozenset[str] = field(default_factory=frozenset)
    skips: int = 0
    times: int = 1


_AWAY = ("ask unreachable backend-down|probe down",)
_IN_DOUBT = ("submit unknown lost", "job_adopted|ask failed")
_STUCK = ("job_failed timeout|backend_restarted dead-worker", "backend_restarted hung|backend_restarted dead-worker")
EXPECTED: Mapping[Fault, Expected] = {
    Fault.LOST_REPLY: Expected(_IN_DOUBT),
    Fault.LATE_ACCEPT: Expected((*_IN_DOUBT, "ask absent")),
    Fault.DELAYED_REPLY: Expected(_IN_DOUBT),
    Fault.DUPLICATE_RUN: Expected(),
    Fault.PARTIAL_NODE_ERRORS: Expected(("submit rejected input", "job_failed input"), cost=1, leaves=frozenset({"input"})),
    Fault.REFUSED_MODEL: Expected(("submit rejected missing-model", "job_retried missing-model")),
    Fault.GARBAGE_PROMPT: Expected(_IN_DOUBT),
    Fault.GARBAGE_QUEUE: Expected(_AWAY, skips=4),  # some are asked for before there is work
    Fault.GARBAGE_HISTORY: Expected(_AWAY),
    Fault.GARBAGE_FILE: Expected(("collect away|collect broken",), times=8),  # one alone is fetched once more
    Fault.SLOW_FILE: Expected(("collect away",)),
    Fault.SLOW_ANSWER: Expected(_AWAY, skips=4),
    Fault.SLOW_HEAD: Expected(_AWAY),
    Fault.ERROR_500: Expected((f"{_AWAY[0]}|submit unknown lost|submit busy backend-down|collect away",), skips=5, times=8),
    Fault.ERROR_503: Expected((f"{_AWAY[0]}|submit busy backend-down|collect away",), skips=5, times=8),
    Fault.DROPPED_WEBSOCKET: Expected(),
    Fault.SILENT_WEBSOCKET: Expected(),
    Fault.DEAD_WORKER: Expected(_STUCK),
    Fault.DEAD_BETWEEN: Expected(("backend_restarted dead-worker",)),
    Fault.HANG: Expected(("job_failed timeout",), cost=1),
    Fault.IGNORED_INTERRUPT: Expected(_STUCK, cost=1),
    Fault.RESTART: Expected(("ask absent", "job_retried lost"), cost=1),
    Fault.RESTART_AFTER: Expected(("ask absent", "job_adopted")),
    Fault.OUT_OF_MEMORY: Expected(("ask failed out-of-memory", "job_retried out-of-memory"), cost=1),
    Fault.NODE_ERROR: Expected(("ask failed node", "job_retried node|job_failed node"), cost=1),
    Fault.DISK_FULL: Expected(("ask failed backend-down", "job_retried backend-down"), cost=1),
    Fault.NO_FILES: Expected(("ask failed no-output", "job_retried no-output|job_failed no-output"), cost=1),
    Fault.CACHED_AND_DELETED: Expected(("collect broken", "job_retried bad-output|job_failed bad-output")),
    Fault.LOST_FILE: Expected(("collect broken", "job_retried bad-output|job_failed bad-output"), cost=1),
    Fault.BLACK_FILE: Expected(("quality_evaluation failed",)),  # a take of its own, and no waste
    Fault.TRUNCATED_FILE: Expected(("collect broken", "job_retried bad-output|job_failed bad-output"), cost=1),
}
# Faults of which another one may leave no sign: what one of two runs ended in is gone once the other one has ended, and of the questions
# that go with taking a prompt back nothing is told.
HIDDEN = {
    Fault.DUPLICATE_RUN: {Fault.OUT_OF_MEMORY, Fault.NODE_ERROR, Fault.DISK_FULL, Fault.NO_FILES},
    Fault.PARTIAL_NODE_ERRORS: {Fault.GARBAGE_QUEUE, Fault.SLOW_ANSWER, Fault.HANG},
}
REQUESTS = {
    b"POST /prompt": ("submit unknown lost",),
    b"GET /queue": _AWAY,
    b"GET /history/": _AWAY,
    b"GET /view": ("collect away",),
    b"POST /upload/image": ("submit busy backend-down",),
    b"GET /ws": (),
}
_HEAD_BYTES = 30  # of an answer that come before it stalls, is cut or is late: in the middle of its head, or of a frame of a WebSocket
_FRAME_BYTES = 400
_EACH_SAME = 4  # times that the same garbage is answered: twice the same is believed, and then fetched anew


@dataclass(frozen=True, slots=True)
class Told:
    """One night that was passed: what was to happen, how often it did, what came of it, and what of that is not as it must be."""

    name: str
    fired: Mapping[str, int]
    night: Night
    complaints: Sequence[str]


def measure(share: float) -> list[Row]:
    """Pass the nights of every kind alone, of random pairs, and of every trouble on the wire for every kind of request."""
    alone = [tell([fault]) for fault in some(list(Fault), share)]
    sorts = range(1, len(NONSENSE)) if share >= 1 else ()
    garbage = [tell([fault], sort=sort) for sort in sorts for fault in Fault if fault.startswith("garbage")]
    paired = [tell(pair, seed) for seed, pair in enumerate(pairs()[: max(1, round(PAIRS * share))])]
    wire = [spoil(trouble, request) for trouble, request in some([(t, r) for t in Trouble for r in REQUESTS], share)]
    return [
        _row("fake server faults, each kind alone", [*alone, *garbage]),
        _row("fake server faults, random pairs", paired),
        _row("a proxy's troubles, each at each kind of request", wire),
    ]


def _row(what: str, nights: Sequence[Told]) -> Row:
    bad = [told for told in nights if told.complaints]
    fired: Counter[str] = Counter()
    for told in nights:
        fired.update(told.fired)
    takes, renders = sum(told.night.takes for told in nights), sum(told.night.renders for told in nights)
    figure = f"{len(nights) - len(bad)} of {len(nights)} nights; {takes} takes, {renders - takes} renders spoilt by faults"
    notes = "; ".join(f"{told.name}: {', '.join(told.complaints)}" for told in bad)
    return Row(what, "all classified, all converge, none published twice, no further render wasted", figure, not bad, dict(fired), notes)


def pairs() -> list[tuple[Fault, Fault]]:
    """Random pairs, no two alike; the first of them have each kind once."""
    chance, kinds = Random(SEED), list(Fault)
    chance.shuffle(kinds)
    each = list(zip(kinds[::2], [*kinds[1::2], kinds[0]], strict=False))
    others = [pair for pair in combinations(Fault, 2) if pair not in each and pair[::-1] not in each]
    return [*each, *chance.sample(others, PAIRS - len(each))]


def some(things: Sequence[T], share: float) -> Sequence[T]:
    """A share of them, from all over."""
    wanted = max(1, round(len(things) * share))
    return [things[number * len(things) // wanted] for number in range(wanted)]


def tell(faults: Sequence[Fault], seed: int = 0, sort: int = 0) -> Told:
    """Pass a night in which the server does these things wrong, at chances that the seed chooses; `sort` is a kind of garbage."""
    chance, seen = Random(seed), Faults()

    def arm(server: FakeComfyUI, _: Proxy) -> None:
        server.faults = seen
        if sort:
            seen.nonsense = repeat(NONSENSE[sort])
        for fault in faults:
            seen.arm(fault, _EACH_SAME if sort else EXPECTED[fault].times, after=EXPECTED[fault].skips + chance.randrange(2))

    night = _passed(arm)
    fired = {str(fault): seen.fired[fault] for fault in faults}
    hidden = {other for fault in faults for other in HIDDEN.get(fault, ())}
    sure = [replace(EXPECTED[fault], signs=()) if fault in hidden else EXPECTED[fault] for fault in faults]
    return Told(f"{' and '.join(faults)} (seed {seed}, sort {sort})", fired, night, list(_complaints(night, fired, sure)))


def spoil(trouble: Trouble, request: bytes) -> Told:
    """Pass a night in which the connection of one request of this kind is spoilt, once others of it have passed."""
    wires: list[Proxy] = []

    def arm(_: FakeComfyUI, proxy: Proxy) -> None:
        wires.append(proxy)
        skips = 4 if request == b"GET /queue" else 0
        first = _FRAME_BYTES if request == b"GET /ws" else _HEAD_BYTES
        proxy.arm(Order(trouble, request, 0 if trouble is Trouble.DROP_REPLY else first), after=skips)

    night = _passed(arm, proxied=True)
    name = f"{trouble} at {request.decode()}"
    fired = {name: wires[0].fired[trouble]}
    signs = () if trouble is Trouble.DELAY else REQUESTS[request]
    return Told(name, fired, night, list(_complaints(night, fired, [Expected(signs)])))


def _passed(arm: Arm, *, proxied: bool = False) -> Night:
    with tempfile.TemporaryDirectory(prefix="koma-night-") as folder:
        return pass_night(Path(folder) / "workspace", arm, proxied=proxied)


def _complaints(night: Night, fired: Mapping[str, int], sure: Sequence[Expected]) -> Iterator[str]:
    yield from (f"{name} never happened" for name, times in fired.items() if not times)
    yield from (f"no sign of {sign!r}" for expected in sure for sign in expected.signs if not _is_seen(sign, night.lines))
    yield from (f"{target} did not converge" for target in _lost(night, {kind for expected in sure for kind in expected.leaves}))
    yield from (f"{target} is not what its graph draws" for target in night.foreign)
    shown = Counter(str(event["target"]) for event in night.told("published"))
    yield from (f"{target} was published {times} times" for target, times in shown.items() if times > 1)
    wasted, allowed = night.renders - night.takes, sum(expected.cost for expected in sure)
    if wasted > allowed:
        yield f"{wasted} renders were wasted, and {allowed} could not be helped"


def _is_seen(sign: str, lines: Sequence[str]) -> bool:
    return any(line.startswith(either) for either in sign.split("|") for line in lines)


def _lost(night: Night, leaves: Collection[str]) -> Iterator[str]:
    """Targets that did not pass, but for those that failed as they may, and what waits for such a one."""
    failed = {str(event["target"]): str(event["error_class"]) for event in night.told("job_failed")}
    left = {target for target in night.missing if failed.get(target) in leaves}
    yield from (target for target in night.missing if target not in left and not (target == VIDEO and STILL in left))


def _tell_again() -> int:
    """Tell one night that is named on the command line."""
    names = sys.argv[sys.argv.index("--night") + 1 :]
    faults = [Fault(name) for name in names if name in set(Fault)]
    seed = int(names[names.index("--seed") + 1]) if "--seed" in names else 0
    sort = int(names[names.index("--sort") + 1]) if "--sort" in names else 0
    told = tell(faults, seed, sort)
    for event in told.night.events:
        sys.stdout.write(f"{event}\n")
    sys.stdout.write("\n".join([*told.night.said, f"{told.name}: {dict(told.fired)}", *told.complaints]) + "\n")
    return int(bool(told.complaints))


if __name__ == "__main__":
    sys.exit(_tell_again() if "--night" in sys.argv else main(measure))
