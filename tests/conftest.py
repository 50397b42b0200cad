"""For all tests: under KOMA_REQUIRE_ALL=1 a skip is a failure, unless the test is opt-in."""

import os
from collections.abc import Generator

import pytest

from support.needs import OPT_IN

REQUIRE_ALL = os.environ.get("KOMA_REQUIRE_ALL") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of one test into a failure."""
    report = yield
    _demand(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole file into a failure."""
    report = yield
    _demand(report)
    return report


def _demand(report: pytest.TestReport | pytest.CollectReport) -> None:
    if REQUIRE_ALL and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if OPT_IN not in reason:
            report.outcome = "failed"
            report.longrepr = f"KOMA_REQUIRE_ALL=1, but: {reason}"
