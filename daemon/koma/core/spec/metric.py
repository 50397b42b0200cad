"""Names of metrics in documents."""

from typing import Annotated

from pydantic import AfterValidator

from koma.core.hints import did_you_mean
from koma.core.metrics import METRIC_IDS
from koma.core.spec.base import Name, refuse


def known_metric(name: str) -> str:
    """Refuse a metric that is not there."""
    if name in METRIC_IDS:
        return name
    known = ", ".join(f"`{metric}`" for metric in sorted(METRIC_IDS))
    hint = did_you_mean(name, METRIC_IDS) or "choose one of them"
    raise refuse("unknown-value", f"no metric is called `{name}`", expected=known, hint=hint)


MetricId = Annotated[Name, AfterValidator(known_metric)]
