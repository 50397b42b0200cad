"""What the pages say works: commands in the README are run, and names of commands, options, files and messages exist.

A block ```console after the comment `<!-- run -->` is run, line by line, in one folder from top to bottom, and has to print what stands
there; `...` stands for any lines. `<!-- edit FILE: OLD => NEW -->` is the edit that the text asks for. Pictures and workflows that a reader
has already lie beside that folder. With KOMA_UPDATE_README=1 what was printed is written into the page instead, where no `...` leaves
something out.
"""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from koma.cli import COMMANDS
from koma.config import load
from koma.telemetry.events import NAMES
from support.imported import WORKFLOWS
from support.needs import needs
from support.workspaces import picture

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted(path for pattern in ("*.md", "*/README.md", "templates/*/README.md", "docs/*.md") for path in ROOT.glob(pattern))
HOME = "/home/you"
WITH_SUB_COMMANDS = {"new", "review", "template"}
THEIRS = {  # what somebody has before they meet Koma
    "pictures/aki/face.png": picture(1),
    "pictures/aki/coat.webp": picture(2, kind="WEBP"),
    "pictures/aki/thumbnail.png": picture(3, side=128),
    "pictures/aki/child/garden.png": picture(4),
    "workflows/orchard.json": (WORKFLOWS / "orchard.json").read_bytes(),
    "workflows/two-pass.json": (WORKFLOWS / "two-pass.json").read_bytes(),
}
STEP = re.compile(r"<!-- edit (\S+): (.+?) => (.+?) -->|<!-- run -->\n```console\n(.*?)```", re.DOTALL)
MEASURED = [  # what differs from run to run, or from machine to machine
    (r"\b\d+(\.\d+)? (s|GPU minutes|minutes)\b", r"# \2"),
    (r"\(at most \d+(\.\d+)?\)", "(at most #)"),
    (r" in about # (GPU )?minutes|; about # s, at most # s", ""),  # a moment is not worth mentioning
    (r"\b[0-9a-f]{16}\b", "DIGEST"),
]


class Reader:
    """Somebody who follows the README: in a folder of their own."""

    def __init__(self, home: Path) -> None:
        self.home = self.folder = home
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("KOMA_", "GIT_"))}
        person = {f"GIT_{role}_{fact}": "you@localhost" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {**clean, **person, "PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        for name, content in THEIRS.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(content)

    def type(self, command: str) -> str:
        """Run one line; what it printed."""
        word, _, rest = command.partition(" ")
        if word == "cd":
            self.folder /= rest
            return ""
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}"
        return done.stdout.replace(str(self.home), HOME)

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert text.count(old) == 1, f"{file} does not have {old!r} once"
        (self.folder / file).write_text(text.replace(old, new))


def exchanges(block: str) -> list[tuple[str, str]]:
    """Commands of a block, each with what it prints."""
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def comparable(printed: str) -> list[str]:
    """Lines in an order of their own: what runs side by side may end in either order."""
    for pattern, instead in MEASURED:
        printed = re.sub(pattern, instead, printed)
    return sorted(printed.splitlines())


def says(page: str, printed: str) -> bool:
    """Whether a page shows what was printed; with `...`, whether every line that it shows was printed."""
    shown, found = comparable(page), comparable(printed)
    return set(shown) - {"..."} <= set(found) if "..." in shown else shown == found


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reader, list[tuple[str, str, str]]]:
    """The README, followed once: the reader at the end, and for each command what the page shows and what it printed."""
    needs("git")
    reader = Reader(tmp_path_factory.mktemp("you"))
    seen: list[tuple[str, str, str]] = []
    for step in STEP.finditer(README.read_text()):
        file, old, new, block = step.groups()
        if file:
            reader.edit(file, old, new)
        else:
            seen += [(command, shown, reader.type(command)) for command, shown in exchanges(block)]
    if os.environ.get("KOMA_UPDATE_README") == "1":
        update(seen)
    return reader, seen


def update(seen: list[tuple[str, str, str]]) -> None:
    printed = iter(seen)

    def fresh(step: re.Match[str]) -> str:
        if step[1]:
            return step[0]
        told = [next(printed) for _ in exchanges(step[4])]
        lines = [f"$ {command}\n{shown if '...' in shown or says(shown, said) else said}" for command, shown, said in told]
        return "<!-- run -->\n```console\n" + "".join(lines) + "```"

    README.write_text(STEP.sub(fresh, README.read_text()))


def test_every_command_of_the_readme_prints_what_the_readme_shows(followed):
    _, seen = followed
    assert len(seen) > 10
    for command, shown, printed in seen:
        assert says(shown, printed), f"$ {command}\n{printed}"


def test_the_gate_result_in_the_readme_is_a_part_of_a_real_one(followed):
    reader, _ = followed
    file, text = re.search(r"<!-- in (\S+) -->\n```json\n(.*?)```", README.read_text(), re.DOTALL).groups()
    assert json.loads(text) in json.loads((reader.folder / file).read_text())["checks"]


def test_every_file_that_the_readme_names_in_the_sample_or_its_outputs_is_there(followed):
    reader, _ = followed
    page = README.read_text()
    named = {*re.findall(r"`((?:projects|outputs)/my-story/[^`\s]+|koma\.yaml|specs/|templates/|outputs/)`", page)}
    tree = page.partition("## Where things land\n\n```\n")[2].partition("```")[0]
    folder = ""
    for line in tree.splitlines():
        path = line.split()[0]
        folder = path.rpartition("/")[0] if not line.startswith(" ") else folder
        named.add(path if not line.startswith(" ") else f"{folder}/{path}")
    assert len(named) > 12
    assert [name for name in sorted(named) if not (reader.folder / name).exists()] == []


def test_the_settings_for_comfyui_are_settings(tmp_path):
    block = re.search(r"<!-- koma.yaml -->\n```yaml\n(.*?)```", README.read_text(), re.DOTALL)[1]
    (tmp_path / "koma.yaml").write_text(block)
    config = load(tmp_path, {})
    assert (config.rendition, config.backends[0].kind) == ("draft", "comfyui")


def test_the_table_of_commands_is_the_table_of_the_code():
    table = README.read_text().partition("## Commands")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `koma ([\w-]+)` \| (.+) \|$", table, re.MULTILINE) == list(COMMANDS.items())


def test_every_likely_error_is_one_that_the_code_can_say():
    table = README.read_text().partition("## When it does not work")[2].partition("\n## ")[0]
    source = "\n".join(file.read_text() for file in (ROOT / "daemon/koma").rglob("*.py")).replace("{FILE}", "koma.yaml")
    quoted = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(quoted) > 10
    assert [part for text in quoted for part in text.split(" … ") if part not in source] == []


@cache
def help_of(*command: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KOMA_")}
    ask = [sys.executable, "-m", "koma", *command, "--help"]
    return subprocess.run(ask, capture_output=True, text=True, check=True, env=clean).stdout


def commands_of(page: str) -> set[tuple[str, ...]]:
    """Every `koma …` in code of a page, as words."""
    code = [
        *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL)),
        *"\n".join(re.findall(r"```\w*\n(.*?)```", page, re.DOTALL)).splitlines(),
    ]
    lines = [re.sub(r"^(\$ )?([A-Z_]+=\S+ )*", "", line.strip()).partition("#")[0] for line in code]
    return {tuple(line.split()[1:]) for line in lines if re.match(r"koma [a-z]", line)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_and_option_that_a_page_names_is_there(page):
    for words in commands_of(page.read_text()):
        assert words[0] in COMMANDS, f"koma {' '.join(words)}"
        about = help_of(words[0])
        if words[0] in WITH_SUB_COMMANDS and len(words) > 1:
            about = help_of(*words[:2])
        options = [word.partition("=")[0] for word in words if word.startswith("--") and word != "--workspace"]
        assert [option for option in options if option not in about] == [], f"koma {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    for target, _, heading in re.findall(r"\]\(([^)#\s:]*)(#([\w-]+))?\)", page.read_text()):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}, heading


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_python_file_that_a_page_names_is_there(page):
    named = set(re.findall(r"`([\w./-]+\.py)\b", page.read_text()))
    assert [name for name in named if not any((base / name).exists() for base in (page.parent, ROOT, ROOT / "daemon/koma"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_that_a_page_names_is_one(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


def test_every_test_folder_is_described_and_no_other():
    described = re.findall(r"^\| `(\w+)/?` \|", (ROOT / "tests/README.md").read_text(), re.MULTILINE)
    files = [path.relative_to(ROOT / "tests") for path in (ROOT / "tests").glob("*/**/*") if path.suffix in {".py", ".json"}]
    assert sorted(described) == sorted({file.parts[0] for file in files})


def test_every_event_is_described_and_no_other():
    table = (ROOT / "monitoring/README.md").read_text().partition("| event | when |")[2]
    described = [name for row in re.findall(r"^\| (`.+?`) \| ", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(described) == sorted(NAMES)
