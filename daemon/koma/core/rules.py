"""Which rules a take must pass: a profile, what tuning documents say over it, then the project's own thresholds; and their digest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from koma.core.against import Against
from koma.core.gate import Op, Rule
from koma.core.keys import KEY_FORMAT, digest
from koma.core.metrics import METRICS
from koma.core.profiles import OF_CLIPS, OF_THE_WHOLE, Asked, comparable, metrics_of, profile_rules
from koma.core.spec.standard import GATE_PROFILE, RULE_WHEN
from koma.core.words import Phase

_SHAPE = frozenset({"width", "height", "frame-count", "frame-rate", "duration"})  # what a finishing step may change on purpose
_OPS = {"min": Op.AT_LEAST, "max": Op.AT_MOST, "equals": Op.EQUALS}


def base_rules(asked: Asked, gates: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Rules of the profile that a project chose, with its choices about it."""
    profile, overall = gates.get("profile") or GATE_PROFILE, gates.get("overall")
    return profile_rules(profile, asked, identity=gates.get("identity") or "", overall=overall is not False)


def own_rules(rules: Sequence[Rule], asked: Asked, gates: Mapping[str, Any], file: str, *, followed: bool = False) -> tuple[Rule, ...]:
    """Put a project's own rules over others, as far as they are about this part, and audit what it audits in place of the profile.

    `gates` is that field of the project document in `file`; its `rules` are: `all` or a phase → metric → threshold. What `all` demands is
    not demanded of a still where it takes a clip to measure it. `asked.backend` is what drew the pixels: for a file that the CPU made of
    others, the backend of those. `asked.expect` describes this very file: a segment has those of its run, a join those of the shot. A
    sheet pose is a still. `followed` says that a finishing step follows.

    - `take`, one plain render: own rules `post`; of a still `pre` as well, because a further render reads it.
    - `segment`, a run of a chain: `pre` and `post`, but nothing about motion, frame count, rate or length, which are the whole's: a run
      may hold still, and its frame count is that of `expect`.
    - `join`, the runs together: `post`, and `final` if nothing follows. Everything about the whole is judged here.
    - `finish`, what a finishing step made: `final` if nothing follows; and `post`, but nothing about size, frame count, rate or length,
      which a step may change on purpose: `expect` says to what.

    Where an own rule does not count, the rule for that metric that was there stands.
    """
    own, audit = gates.get("rules") or {}, gates.get("audit")
    for scope in ("all", asked.phase):
        silent = OF_CLIPS if scope == "all" and asked.phase is Phase.STILL else frozenset()
        wishes = {metric: wish for metric, wish in (own.get(scope) or {}).items() if metric not in silent}
        mine = {metric: wish for metric, wish in wishes.items() if _counts(metric, wish, asked, followed=followed)}
        rules = with_overrides(rules, mine, f"{file} gates.rules.{scope}", asked.against)
    return tuple(replace(rule, audit=rule.metric == audit) for rule in rules) if audit else tuple(rules)


def _counts(metric: str, wish: Mapping[str, Any], asked: Asked, *, followed: bool) -> bool:
    """Whether a project's own rule is about this part."""
    match wish.get("when", RULE_WHEN):
        case "final":
            return asked.part in ("join", "finish") and not followed
        case "pre":
            return (asked.part == "segment" and metric not in OF_THE_WHOLE) or (asked.part == "take" and asked.phase is Phase.STILL)
        case _:
            silent = {"segment": OF_THE_WHOLE, "finish": _SHAPE}.get(asked.part, frozenset())
            return metric not in silent


def with_overrides(
    rules: Sequence[Rule], overrides: Mapping[str, Mapping[str, Any]], source: str, against: Against | None = None
) -> tuple[Rule, ...]:
    """Apply a project's own thresholds: metric id → any of `min`, `max`, `equals` (numbers), `required` (bool) and `when` (kept as it is).

    A metric that names a threshold replaces all rules of that metric; `required` alone keeps their thresholds. One that reads characters
    is asked of each that it can be compared with. `source` is where the overrides stand (`projects/x/project.yaml:12:5`). Names were
    checked when the document was read.
    """
    by_metric: dict[str, list[Rule]] = {}
    for rule in rules:
        by_metric.setdefault(rule.metric, []).append(rule)
    result: list[Rule] = []
    for metric in dict.fromkeys([*by_metric, *overrides]):
        given = by_metric.get(metric, [])
        if metric not in overrides:
            result += given
        else:
            subjects = _subjects(metric, against) if against is not None else [""]
            result += [rule for rule in given if rule.subject and rule.subject not in subjects]  # shown, since nothing is known of them
            result += [rule for subject in subjects for rule in _overridden(metric, given, overrides[metric], source, subject)]
    return tuple(result)


def _subjects(metric: str, against: Against) -> list[str]:
    if metric not in METRICS or METRICS[metric].reads != "characters":
        return [""]
    return [subject.id for subject in against.subjects if comparable(metric, subject)]


def _overridden(metric: str, given: list[Rule], wish: Mapping[str, Any], source: str, subject: str) -> list[Rule]:
    required = wish.get("required")
    audit = any(rule.audit for rule in given)
    named = [
        Rule(metric, op, float(wish[word]), source=source, subject=subject, basis="placeholder", audit=audit)
        for word, op in _OPS.items()
        if wish.get(word) is not None
    ]
    mine = named or [rule for rule in given if rule.subject == subject]
    rules = [replace(rule, when=wish.get("when", RULE_WHEN)) for rule in mine]
    return rules if required is None else [replace(rule, required=required, source=source) for rule in rules]


def measures_for(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Metric ids that these rules need, each once, in their order."""
    return metrics_of(tuple(rules))


def rules_digest(rules: Iterable[Rule]) -> str:
    """Sha256 hex over what rules demand. Their order, and the line at which a threshold is written, change nothing."""
    demands = [[r.metric, str(r.op), float(r.threshold), r.required, *([r.subject] if r.subject else []), *_stamp(r)] for r in rules]
    return digest([KEY_FORMAT, *sorted(demands, key=str)])


def _stamp(rule: Rule) -> list[str]:
    """Count what a calibrated threshold rests on, so that it stands beside each result."""
    return [rule.basis] if rule.basis.startswith("calibrated") else []
