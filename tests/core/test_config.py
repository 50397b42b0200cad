"""Settings: defaults, what a file says, what a variable says instead, and every mistake located."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.config import Config, config_from_mapping, find_workspace, load
from koma.core.errors import ConfigError, WorkspaceError
from koma.core.words import Rendition


def settings(tmp_path: Path, text: str = "", **env: str) -> Config:
    (tmp_path / "koma.yaml").write_text(text)
    return load(tmp_path, env)


def mistakes(tmp_path: Path, text: str = "", **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text, **env)
    return [str(problem) for problem in caught.value.problems]


def test_an_empty_file_means_the_defaults(tmp_path):
    config = settings(tmp_path)
    assert config.rendition is Rendition.ANIMATIC
    assert config.watch == ("projects/*",)
    assert config.source.debounce_seconds == 0.5
    assert config.paths.outputs == tmp_path / "outputs"
    assert config.paths.state == tmp_path / "outputs/.koma/state.db"
    assert config.paths.events == tmp_path / "outputs/.koma/logs/events.jsonl"
    assert config.backends == ()
    assert config.safety.max_gpu_minutes is None
    assert (config.http.host, config.http.port) == ("127.0.0.1", 8377)


def test_every_setting_can_be_written(tmp_path):
    config = settings(
        tmp_path,
        """
rendition: final
watch: [shows/*, one]
source: {mode: git, ref: main, repository: ../story, debounce_seconds: 1, debounce_max_seconds: 5, rescan_seconds: 60, references_settle: 0}
paths: {outputs: renders, objects: /big/objects, state: /fast/state.db, cache: /tmp/cache.db, templates: graphs,
        models: /big/models}
backends:
  - {name: studio, kind: comfyui, url: "http://10.0.0.5:8188/", yield_to_people: true, deadline_factor: 3,
     vram_limit: 0.9, free: always, restart: [systemctl, restart, comfyui], no_progress_seconds: 900, idle_seconds: 30,
     restart_after: {faults: 5, black: 0, renders: 200, memory: 0.9}}
hours: {quiet: ["08:00-18:00", "22:00-06:00"], days: [mon, fri], zone: Europe/Berlin}
safety: {max_gpu_minutes: 90, retire_share: 0.25, retire_at_least: 4}
measure: {device: cuda}
http: {host: localhost, port: 0, enabled: false}
log: {format: json, level: debug, rotate_megabytes: 0.5, keep: 2}
disk: {reserve_percent: 10, reserve_bytes: 5e9}
gc: {keep_commits: 0, keep_days: 7, retired_days: 1}
store: sqlite
""",
    )
    assert config.rendition is Rendition.FINAL
    assert (config.log.rotate_megabytes, config.log.keep) == (0.5, 2)
    assert config.disk == (10, 5e9)
    assert config.gc == (0, 7, 1)
    assert config.watch == ("shows/*", "one")
    assert (config.source.mode, config.source.ref, config.source.repository) == ("git", "main", "../story")
    assert config.paths.outputs == tmp_path / "renders"
    assert config.paths.objects == Path("/big/objects")
    assert config.paths.cache == Path("/tmp/cache.db")  # noqa: S108 - only a name
    assert config.paths.models == Path("/big/models")
    assert config.measure.device == "cuda"
    assert config.paths.inbox == tmp_path / "renders/.koma/inbox"
    (backend,) = config.backends
    assert (backend.url, backend.yield_to_people, backend.deadline_factor) == ("http://10.0.0.5:8188", True, 3.0)
    assert (backend.vram_limit, backend.free, backend.restart) == (0.9, "always", ("systemctl", "restart", "comfyui"))
    assert (backend.no_progress_seconds, backend.idle_seconds, backend.restart_after) == (900, 30, (5, 0, 200, 0.9))
    assert config.hours == (("08:00-18:00", "22:00-06:00"), ("mon", "fri"), "Europe/Berlin")
    assert config.safety.max_gpu_minutes == 90
    assert config.safety.retire_at_least == 4
    assert (config.http.enabled, config.http.port) == (False, 0)
    assert (config.log.format, config.log.level) == ("json", "debug")


def test_the_private_folder_follows_the_outputs(tmp_path):
    paths = settings(tmp_path, "paths: {outputs: /mnt/renders}").paths
    assert paths.state == Path("/mnt/renders/.koma/state.db")
    assert paths.objects == Path("/mnt/renders/.koma/objects")
    assert paths.retired == Path("/mnt/renders/.koma/retired")


@pytest.mark.parametrize(
    ("name", "value", "read", "expected"),
    [
        ("KOMA_RENDITION", "draft", lambda c: c.rendition, Rendition.DRAFT),
        ("KOMA_HTTP__PORT", "9000", lambda c: c.http.port, 9000),
        ("KOMA_HTTP__ENABLED", "false", lambda c: c.http.enabled, False),
        ("KOMA_WATCH", "a, b/*", lambda c: c.watch, ("a", "b/*")),
        ("KOMA_SOURCE__REF", "1234567", lambda c: c.source.ref, "1234567"),
        ("KOMA_SAFETY__MAX_GPU_MINUTES", "12.5", lambda c: c.safety.max_gpu_minutes, 12.5),
        ("KOMA_HOURS__QUIET", "08:00-12:00, 13:00-18:00", lambda c: c.hours.quiet, ("08:00-12:00", "13:00-18:00")),
        ("KOMA_BACKENDS__0__RESTART_AFTER__RENDERS", "50", lambda c: c.backends[0].restart_after.renders, 50),
        ("KOMA_SOURCE__DEBOUNCE_SECONDS", "0", lambda c: c.source.debounce_seconds, 0.0),
        ("KOMA_BACKENDS__0__URL", "http://other:8188", lambda c: c.backends[0].url, "http://other:8188"),
        (
            "KOMA_BACKENDS__0__URL",
            "http://me:sesame@a:1",
            lambda c: (c.backends[0].url, c.backends[0].login.reveal()),
            ("http://a:1", "me:sesame"),
        ),
        ("KOMA_BACKENDS__0__LOGIN", "me:sesame", lambda c: c.backends[0].login.reveal(), "me:sesame"),
        ("KOMA_SOURCE__REPOSITORY", "https://me:sesame@a/r.git", lambda c: c.source.repository, "https://me:sesame@a/r.git"),
        ("KOMA_STORE", "postgresql://a:sesame@b/c", lambda c: c.store, "postgresql://a:sesame@b/c"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("KOMA_") else "",
)
def test_a_variable_wins_over_the_file(tmp_path, name, value, read, expected):
    text = "rendition: final\nhttp: {port: 1}\nbackends: [{url: 'http://one:8188'}]\n"
    assert read(settings(tmp_path, text, **{name: value})) == expected


@pytest.mark.parametrize(
    "name", ["KOMA_SERVICE_HOST", "KOMA_SERVICE_PORT", "KOMA_PORT_8377_TCP_ADDR", "KOMA_REQUIRE_ALL", "KOMA_COMFYUI_URL", "PATH"]
)
def test_a_variable_of_someone_else_is_left_alone(tmp_path, name):
    assert settings(tmp_path, "", **{name: "x"}).http.port == 8377


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rendtion: draft", ["koma.yaml:1:1: error: no setting is called `rendtion` [unknown-field]\n  do: did you mean `rendition`?"]),
        ("\nhttp:\n  prt: 1", ["koma.yaml:3:3: error: no setting is called `prt` [unknown-field]\n  do: did you mean `port`?"]),
        ("rendition: darft", ["koma.yaml:1:1: error: `darft` can't be used here [unknown-value]"]),
        ("http: {port: 70000}", ["`port` can't be `70000`", "a whole number from 0 to 65535"]),
        ("http: {port: 80.5}", ["`port` can't be `80.5`"]),
        ("http: {port: true}", ["`port` can't be true"]),
        ("http: {enabled: maybe}", ["`enabled` can't be `maybe`", "true or false"]),
        ("watch: projects", ["`watch` can't be `projects`", "a list of texts"]),
        ("source: soon", ["`source` can't be `soon`", "a mapping of settings"]),
        ("rendition: [draft]", ["`rendition` can't be a list", "text"]),
        ("source: {debounce_seconds: 5, debounce_max_seconds: 1}", ["the longest wait is shorter than the shortest"]),
        ("backends: [{url: 'http://a', free: never}]", ["`never` can't be used here", "family or always"]),
        ("backends: [{url: 'http://a', vram_limit: 80}]", ["`vram_limit` can't be `80`", "a number from 0 to 1"]),
        ("backends: [{url: 'http://a', restart: systemctl restart comfyui}]", ["`restart` can't be", "a list of texts"]),
        ("backends: {name: a}", ["`backends` can't be a mapping", "a list"]),
        ("backends: [{name: a}]", ["koma.yaml:1:", "`` is not the address of a server", "http://127.0.0.1:8188"]),
        ("backends: [{url: 'http://a'}, {url: 'http://b'}]", ["two backends are called `comfyui`"]),
        ("http: {host: 0.0.0.0}", ["`0.0.0.0` can be reached by others", "127.0.0.1", "token_file"]),
        ("backends: [{url: 'http://me:sesame@a'}]", ["koma.yaml:1:13", "no place for a login", "login_file", "KOMA_BACKENDS__0__LOGIN"]),
        ("backends: [{url: 'http://a', login: 'me:sesame'}]", ["koma.yaml:1:", "no place for a login"]),
        ("backends: [{url: 'htp://me:sesame@a'}]", ["`htp://a` is not the address of a server"]),
        ("backends: [{url: 'http://a:x'}]", ["`http://a:x` is not the address of a server"]),
        ("backends: [{url: 'http://a b'}]", ["`http://a b` is not the address of a server"]),
        ("backends: [{url: 'http://a?x=1'}]", ["`http://a?x=1` is not the address of a server"]),
        ("backends: [{url: 'http://a', name: One}, {url: 'http://b', name: one}]", ["two backends are called `One`"]),
        ("source: {repository: 'https://sesame@host/r.git'}", ["koma.yaml:1:10", "no place for a login", "KOMA_SOURCE__REPOSITORY"]),
        ("source: {repository: 'ssh://git:sesame@host/r.git'}", ["no place for a login"]),
        ("store: postgres", ["koma.yaml:1:1", "`postgres` can't be used here", "sqlite, or postgresql://host:5432/database?user=koma"]),
        ("store: mysql://a:sesame@b/c", ["`mysql://a:***@b/c` can't be used here"]),
        ("store: 'postgresql://a:ses/ame@b/c'", ["koma.yaml:1:1", "`postgresql://a:***@b/c` has a user or password with characters"]),
        ("store: 'postgresql://a:sesame@b/c'", ["koma.yaml:1:1", "no place for a password", "KOMA_STORE, PGPASSWORD or ~/.pgpass"]),
        ("store: 'postgresql://b/c?password=sesame'", ["koma.yaml:1:1", "no place for a password"]),
        ("safety: {max_gpu_minutes: -1}", ["`max_gpu_minutes` can't be `-1`", "null for no limit"]),
        ("a: 1\n---\nb: 2", ["settings are one document"]),
        ("[1, 2]", ["koma.yaml:1:1"]),
        ("a: [", ["koma.yaml:"]),
    ],
    ids=lambda value: value.strip() if isinstance(value, str) else "",
)
def test_a_mistake_is_located_and_says_what_to_do(tmp_path, text, expected):
    found = "\n".join(mistakes(tmp_path, text))
    for words in expected:
        assert words in found


@pytest.mark.parametrize(
    "text",
    [
        "backends: [{url: 'http://me:sesame@a'}]",
        "backends: [{url: 'http://a', login: 'me:sesame'}]",
        "backends: [{url: 'htp://me:sesame@a'}]",
        "backends: [{url: 'http://me:sesame@a b'}]",
        "backends: [{url: 'http://me:ses@me:sesame@a:x'}]",
        "source: {repository: 'https://sesame@host/r.git'}",
    ],
)
def test_a_login_is_not_repeated_where_it_is_refused(tmp_path, text):
    assert "sesame" not in "".join(mistakes(tmp_path, text))


def test_the_user_of_a_repository_is_no_secret(tmp_path):
    for address in ("ssh://git@host/r.git", "git@host:r.git", "../story"):
        assert settings(tmp_path, f"source: {{repository: '{address}'}}").source.repository == address


def test_settings_can_be_printed_without_their_secrets(tmp_path):
    config = settings(tmp_path, "backends: [{url: 'http://a'}]", KOMA_BACKENDS__0__URL="http://me:sesame@a")
    assert "sesame" not in f"{config} {config!r} {config.backends}"


def test_all_mistakes_are_told_at_once(tmp_path):
    assert len(mistakes(tmp_path, "a: 1\nhttp: {port: x}\nlog: {level: loud}")) == 3


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("KOMA_HTTP__PROT", "1", "did you mean `KOMA_HTTP__PORT`?"),
        ("KOMA_RENDITON", "draft", "did you mean `KOMA_RENDITION`?"),
        ("KOMA_HTTP__PORT", "many", "`port` can't be `many`"),
        ("KOMA_BACKENDS__0__URL", "http://x", "no setting is called `KOMA_BACKENDS__0__URL`"),
    ],
)
def test_a_mistake_in_a_variable_names_the_variable(tmp_path, name, value, expected):
    (found,) = mistakes(tmp_path, "", **{name: value})
    assert found.startswith(f"{name}: error: ")
    assert expected in found


def test_settings_from_a_cache_read_no_file(tmp_path):
    assert load(tmp_path / "gone", {}, parsed={"rendition": "draft"}).rendition is Rendition.DRAFT


def test_a_workspace_without_a_file_says_how_to_make_one(tmp_path):
    with pytest.raises(WorkspaceError, match="koma init"):
        load(tmp_path, {})


def test_the_nearest_workspace_above_is_found(tmp_path):
    (tmp_path / "koma.yaml").touch()
    inner = tmp_path / "projects" / "one"
    inner.mkdir(parents=True)
    assert find_workspace(None, inner) == tmp_path.resolve()


def test_no_workspace_anywhere_says_koma_init(tmp_path):
    with pytest.raises(WorkspaceError, match="koma init"):
        find_workspace(None, tmp_path)


def test_a_given_folder_must_be_a_workspace_itself(tmp_path):
    (tmp_path / "koma.yaml").touch()
    inner = tmp_path / "inner"
    inner.mkdir()
    assert find_workspace(tmp_path, inner) == tmp_path.resolve()
    with pytest.raises(WorkspaceError, match="koma init"):
        find_workspace(inner, tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["http", "port", "source", "backends", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_value_gives_settings_or_located_problems(value):
    try:
        config_from_mapping(value, {}, Path("/w"), {})
    except ConfigError as error:
        problems = error.problems
    else:
        problems = ()
        assert isinstance(value, dict | None)
    assert all(problem.place.file == "koma.yaml" and problem.message for problem in problems)
