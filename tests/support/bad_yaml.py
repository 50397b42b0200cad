"""Documents that are wrong in ways that people, editors, disks and attackers find: out of good ones, by a table, the same each time."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

EXAMPLES = Path(__file__).resolve().parents[2] / "specs" / "examples"
SEED = 20260117
VALUES = (
    "[]",
    "{}",
    "[[]]",
    "{a: {b: []}}",
    "-1",
    "0",
    "1.5",
    "99999999999999999999999999999999",
    "9" * 60,
    "9" * 5000,
    "1e999",
    "-1e308",
    ".nan",
    "-.inf",
    "true",
    "null",
    "~",
    "''",
    '" "',
    "2024-13-45",
    "2024-05-01T25:61:00Z",
    "12:30:45",
    "0x1F",
    "0o17",
    "1_000",
    "!!int 3",
    "!!python/object/apply:os.system [id]",
    "!!binary aGk=",
    "&a 1",
    "*a",
    "<<",
    "../../../etc/passwd",
    "/etc/passwd",
    "C:\\x",
    "a/../b",
    "http://169.254.169.254/latest",
    '"\\0"',
    '"\\e[31m"',
    '"\\ud800"',
    '"\\u202e"',
    "x" * 3000,
    "- a",
    "| ",
    "'",
    '"',
    "{",
    "[",
    "@x",
    "`x`",
    "%x",
)
NAMES = ("url", "backend", "sed", "Kind", "idd", "k\u0131nd", "\u03baind", "id ", "__proto__", "$schema", "1", "a.b", "shots[0]", "x" * 300)
IDS = (
    "a\u043ai",
    "\u0430ki",
    "\uff41\uff4b\uff49",
    "AKI",
    "Aki",
    "a ki",
    "a/ki",
    "..",
    ".",
    "con",
    "nul",
    "takes",
    "characters",
    "-a",
    "a" * 65,
    "é",
    "e\u0301",
    "日本",
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp1252", "latin-1")
_FIELD = re.compile(r"^(\s*(?:- )?)([a-z_]+):[ ](?![|>])(.+)$")

Text = Callable[[str, random.Random], bytes]


class Bad(NamedTuple):
    """One document: the kind of mutation that made it, the kind of document it was, and its bytes."""

    how: str
    kind: str
    content: bytes


def seeds() -> dict[str, str]:
    """Give the annotated example of each kind; each is a sound document."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(EXAMPLES.glob("*.yaml"))}


def mutations(each: int) -> list[Bad]:
    """Give at most so many documents for each way of making one, spread over the kinds; no two are equal."""
    texts = seeds()
    found: dict[bytes, Bad] = {}
    for how, mutate in WAYS.items():
        before, rng = len(found), random.Random(f"{SEED} {how}")  # noqa: S311  # the same each time
        for number in range(each * 4):
            if len(found) - before >= each:
                break
            kind = list(texts)[number % len(texts)]
            content = mutate(texts[kind], rng)
            if content not in found and content != texts[kind].encode():
                found[content] = Bad(how, kind, content)
    return list(found.values())


def _line(change: Callable[[re.Match[str], random.Random], str]) -> Text:
    """Change one line that holds a field with its value."""

    def mutate(text: str, rng: random.Random) -> bytes:
        lines = text.splitlines()
        at = rng.choice([number for number, line in enumerate(lines) if _FIELD.match(line)])
        found = _FIELD.match(lines[at])
        assert found
        return "\n".join([*lines[:at], change(found, rng), *lines[at + 1 :], ""]).encode(errors="surrogatepass")

    return mutate


def _insert(make: Callable[[random.Random], str]) -> Text:
    """Put lines somewhere between two others."""

    def mutate(text: str, rng: random.Random) -> bytes:
        lines = text.splitlines()
        at = rng.randrange(1, len(lines))
        return "\n".join([*lines[:at], make(rng), *lines[at:], ""]).encode(errors="surrogatepass")

    return mutate


def _bytes(change: Callable[[bytearray, random.Random], None]) -> Text:
    def mutate(text: str, rng: random.Random) -> bytes:
        made = bytearray(text.encode())
        change(made, rng)
        return bytes(made)

    return mutate


def _flip(made: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randrange(1, 6)):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)


def _cut(made: bytearray, rng: random.Random) -> None:
    del made[rng.randrange(1, len(made)) :]


def _garbage(made: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(made))
    made[at:at] = rng.randbytes(rng.randrange(1, 40))


def _without_a_line(text: str, rng: random.Random) -> bytes:
    lines = text.splitlines()
    del lines[rng.randrange(1, len(lines))]
    return "\n".join(lines).encode()


def _recoded(text: str, rng: random.Random) -> bytes:
    coding = rng.choice(ENCODINGS)
    return text.replace("id:", f"name: Zoë {rng.randrange(10_000)}\nid:", 1).encode(coding, errors="replace")


def _indented(text: str, rng: random.Random) -> bytes:
    lines = text.splitlines()
    at = rng.randrange(1, len(lines))
    lines[at] = rng.choice(["\t", "   ", "\t\t", " "]) + lines[at].lstrip(rng.choice([" ", ""]))
    return "\n".join(lines).encode()


def _bomb(_text: str, rng: random.Random) -> bytes:
    return rng.choice(list(_bombs(rng.randrange(1000)))).encode()


def _bombs(more: int) -> Iterator[str]:
    """Documents that cost much to read for whoever reads them whole."""
    yield "a: " + "[" * (20_000 + more)
    yield "{a: " * (20_000 + more)
    yield "- " * (20_000 + more)
    yield "? " * (5_000 + more)
    yield "".join(" " * level + "a:\n" for level in range(300 + more % 100))
    yield "\n".join(f"k{number:x}: 1" for number in range(60_000 + more))
    yield "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20 + more % 10))
    yield f"a: &a [*a, {more}]\n"
    yield "kind: scene\nid: s\n---\n" * (2_000 + more)
    yield "#" * (1024 * 1024 + 1 + more)
    yield "kind: scene\nid: s\nshots:\n" + "".join(f"- {{id: s{n}, frames: x}}\n" for n in range(5_000 + more))
    yield "kind: scene\nid: s\n" + "".join(f"f{n:x}: 1\n" for n in range(20_000 + more))


def _whole(make: Callable[[random.Random], bytes | str]) -> Text:
    def mutate(_text: str, rng: random.Random) -> bytes:
        made = make(rng)
        return made.encode() if isinstance(made, str) else made

    return mutate


def _nothing(rng: random.Random) -> str:
    filler = "# nothing\n" * rng.randrange(50)
    return rng.choice(["", "---\n", "- a\n- b\n", "text alone\n", "12\n", "null\n", "...\n", "--- |\n x\n"]) + filler


def _character(rng: random.Random) -> str:
    return chr(rng.choice([0, 1, 7, 8, 0x1B, 0x7F, 0x85, 0x9B, 0x200E, 0x2028, 0x202E, 0x2066, 0xFEFF, 0xFFFE, 0xD800, 0xDFFF, 0x061C]))


WAYS: Mapping[str, Text] = {
    "a value of another type": _line(lambda found, rng: f"{found[1]}{found[2]}: {rng.choice(VALUES)}"),
    "a field that nobody knows": _insert(lambda rng: f"{rng.choice(NAMES)}{rng.randrange(100)}: {rng.randrange(1000)}"),
    "a field under another name": _line(lambda found, rng: f"{found[1]}{rng.choice(NAMES)}: {found[3]}"),
    "a field twice": _line(lambda found, rng: f"{found[0]}\n{found[1].replace('-', ' ')}{found[2]}: {rng.randrange(1000)}"),
    "a line gone": _without_a_line,
    "cut off": _bytes(_cut),
    "bits turned": _bytes(_flip),
    "garbage in between": _bytes(_garbage),
    "another encoding": _recoded,
    "other indentation": _indented,
    "an id that looks like another": _line(lambda _found, rng: f"id: {rng.choice(IDS)}{rng.choice(['', rng.randrange(100)])}"),
    "an unseen character": _line(lambda found, rng: f"{found[1]}{found[2]}: a{_character(rng)}{rng.randrange(100)}"),
    "a bomb": _bomb,
    "no document": _whole(_nothing),
    "random bytes": _whole(lambda rng: rng.randbytes(rng.randrange(1, 2000))),
    "a Git LFS pointer": _whole(
        lambda rng: f"version https://git-lfs.github.com/spec/v1\noid sha256:{rng.randrange(10**60):064d}\nsize 12\n"
    ),
}
