"""Quiet hours: by the clock on the wall, over midnight, and when the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.hours import FOR_EVER, Hours, read_window
from koma.core.words import DAYS

BERLIN = ZoneInfo("Europe/Berlin")  # 2027-03-28 02:00 → 03:00, 2027-10-31 03:00 → 02:00
EVERY = range(len(DAYS))


def at(text, zone=BERLIN, fold=0):
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone, fold=fold).timestamp()


def hours(*texts, days=EVERY, zone=BERLIN):
    return Hours(tuple(read_window(text, days) for text in texts), zone)


@pytest.mark.parametrize(
    ("found", "now", "until"),
    [
        pytest.param(hours("08:00-18:00"), at("2027-01-04 07:59"), None, id="a minute before"),
        pytest.param(hours("08:00-18:00"), at("2027-01-04 08:00"), at("2027-01-04 18:00"), id="from the first minute"),
        pytest.param(hours("08:00-18:00"), at("2027-01-04 17:59") + 59, at("2027-01-04 18:00"), id="to the last second"),
        pytest.param(hours("08:00-18:00"), at("2027-01-04 18:00"), None, id="and then not any more"),
        pytest.param(hours("22:00-06:00"), at("2027-01-04 23:00"), at("2027-01-05 06:00"), id="over midnight, the evening"),
        pytest.param(hours("22:00-06:00"), at("2027-01-05 05:00"), at("2027-01-05 06:00"), id="over midnight, the morning"),
        pytest.param(hours("22:00-06:00", days=[4]), at("2027-01-09 05:00"), at("2027-01-09 06:00"), id="Friday's reach into Saturday"),
        pytest.param(hours("22:00-06:00", days=[4]), at("2027-01-08 05:00"), None, id="and Thursday has none that reach into Friday"),
        pytest.param(hours("08:00-18:00", days=[0]), at("2027-01-05 12:00"), None, id="on other days it is not quiet"),
        pytest.param(hours("08:00-12:00", "12:00-14:00"), at("2027-01-04 09:00"), at("2027-01-04 14:00"), id="what touches is one"),
        pytest.param(hours("22:00-24:00", "00:00-06:00"), at("2027-01-04 23:00"), at("2027-01-05 06:00"), id="also at midnight"),
        pytest.param(hours("00:00-24:00"), at("2027-01-04 23:00"), FOR_EVER, id="always quiet is quiet for ever"),
        pytest.param(hours("00:00-24:00", days=[5, 6]), at("2027-01-09 12:00"), at("2027-01-11 00:00"), id="a weekend"),
        pytest.param(Hours(), at("2027-01-04 12:00"), None, id="nobody asked for any"),
        pytest.param(hours("01:00-04:00"), at("2027-03-28 01:30"), at("2027-03-28 04:00"), id="an hour that is skipped makes them shorter"),
        pytest.param(hours("02:00-03:00"), at("2027-03-28 03:00"), None, id="hours that are skipped do not come"),
        pytest.param(hours("01:30-02:30"), at("2027-03-28 01:59"), at("2027-03-28 03:00"), id="an end that is skipped comes with the jump"),
        pytest.param(hours("02:00-03:00"), at("2027-10-31 02:30"), at("2027-10-31 03:00"), id="an hour that comes twice is quiet twice"),
        pytest.param(
            hours("02:30-02:45"), at("2027-10-31 02:30"), at("2027-10-31 02:45"), id="and between the two it is not, the first time"
        ),
        pytest.param(
            hours("02:30-02:45"), at("2027-10-31 02:40", fold=1), at("2027-10-31 02:45", fold=1), id="and neither the second time"
        ),
        pytest.param(hours("08:00-18:00", zone=ZoneInfo("Asia/Tokyo")), at("2027-01-04 01:00"), at("2027-01-04 10:00"), id="elsewhere"),
    ],
)
def test_when_it_is_quiet_and_until_when(found, now, until):
    assert found.quiet(now) is (until is not None)
    assert found.until(now) == until


@pytest.mark.parametrize(
    "text",
    ["8-18", "08:00", "08:00-25:00", "24:00-08:00", "08:00-08:00", "08:60-09:00", "08:0-09:00", "", "-", "٠٨:00-09:00", "24:30-25:00"],
)
def test_what_is_no_time_of_the_day(text):
    assert read_window(text, EVERY) is None


def test_spaces_and_a_single_digit_are_read():
    assert read_window("8:00 - 24:00", EVERY) == read_window("08:00-24:00", EVERY)


minutes = st.integers(0, 24 * 60 - 1)
windows = st.builds(
    lambda first, last, days: read_window(f"{first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}", days),
    minutes,
    minutes,
    st.frozensets(st.sampled_from(EVERY)),
).filter(bool)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)).map(datetime.timestamp)  # noqa: DTZ001  # hypothesis wants naive bounds
zones = st.sampled_from(["Europe/Berlin", "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]).map(ZoneInfo)


def minute_by_minute(found, now):
    """Is it quiet? By the definition: some day has a window whose minutes, counted from its start, hold this wall time."""
    wall = datetime.fromtimestamp(now, found.zone).replace(tzinfo=None)
    for window in found.windows:
        for back in (0, 1):
            day = (wall - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
            end = window.end if window.end > window.start else window.end + 24 * 60
            since = (wall - day).total_seconds() / 60
            if day.weekday() in window.days and window.start <= since < end:
                return True
    return False


@given(st.lists(windows, max_size=3), zones, moments)
def test_it_is_quiet_exactly_when_a_wall_clock_says_so(found, zone, now):
    quiet = Hours(tuple(found), zone)
    assert quiet.quiet(now) is minute_by_minute(quiet, now)


@given(st.lists(windows, min_size=1, max_size=3), zones, moments, st.floats(0.0, 1.0))
def test_it_stays_quiet_until_the_time_that_is_told_and_not_for_longer(found, zone, now, share):
    quiet = Hours(tuple(found), zone)
    until = quiet.until(now)
    if until is None:
        assert not quiet.quiet(now)
    elif until != FOR_EVER:
        assert until > now
        assert not quiet.quiet(until)
        assert quiet.quiet(min(now + share * (until - now), until - 1e-3))
