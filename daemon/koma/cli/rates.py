"""Pass rates of phases, as commands show them: the rate, what it says with 95 % confidence (Wilson), and what it takes."""

from collections.abc import Mapping
from typing import Any

from koma.core.phases import PhaseRate


def rate_json(rate: PhaseRate) -> dict[str, Any]:
    """How a phase stands in its scope; rates are shares from 0 to 1, `interval` bounds them with 95 % confidence (Wilson)."""
    return {
        "scope": rate.scope,
        "phase": rate.phase,
        "passed": rate.passed,
        "wanted": rate.wanted,
        "rate": round(rate.passed / rate.wanted, 4) if rate.wanted else None,
        "interval": {"low": round(rate.low, 4), "high": round(rate.high, 4)},
        "threshold": rate.threshold,
        "open": rate.is_open,
        "why": rate.why,
        "missing": list(rate.missing),
    }


def rate_row(rate: Mapping[str, Any]) -> tuple[str, ...]:
    """One row of HEADINGS, of what `rate_json` gives."""
    low, high = rate["interval"].values()
    shares = (f"{rate['rate'] or 0:.0%}", f"{low:.0%} to {high:.0%}", f"{rate['threshold']:.0%}")
    return rate["scope"], rate["phase"], f"{rate['passed']} of {rate['wanted']}", *shares, "open" if rate["open"] else "closed"


HEADINGS = ("scope", "phase", "passed", "rate", "95 % interval", "needed", "")
