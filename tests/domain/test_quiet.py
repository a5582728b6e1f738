"""Quiet times: hours and days in a time zone, over midnight and over clock changes."""

from datetime import datetime

import pytest

from abathur_tui.domain.quiet import next_quiet, quiet_until, quiet_window
from abathur_tui.domain.time_zones import zone_of

BERLIN = zone_of("Europe/Berlin")


def at(text: str) -> float:
    """A moment, in Berlin unless it says otherwise."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=BERLIN)).timestamp()


def told(moment: float | None) -> str | None:
    """A moment as Berlin has it."""
    return None if moment is None else datetime.fromtimestamp(moment, BERLIN).isoformat(timespec="minutes")


def until(moment: str, *windows: str) -> str | None:
    """When the quiet time is over in which a moment lies."""
    return told(quiet_until([quiet_window(f"{window} Europe/Berlin") for window in windows], at(moment)))


# 2026-06-01 is a Monday.
@pytest.mark.parametrize(
    ("moment", "windows", "end"),
    [
        ("2026-06-01T12:30", ["12:00-13:00"], "2026-06-01T13:00+02:00"),
        ("2026-06-01T12:00", ["12:00-13:00"], "2026-06-01T13:00+02:00"),
        ("2026-06-01T13:00", ["12:00-13:00"], None),
        ("2026-06-01T11:59", ["12:00-13:00"], None),
        # Over midnight: it belongs to the day on which it begins.
        ("2026-06-01T23:00", ["mon 22:00-07:00"], "2026-06-02T07:00+02:00"),
        ("2026-06-02T06:59", ["mon 22:00-07:00"], "2026-06-02T07:00+02:00"),
        ("2026-06-02T23:00", ["mon 22:00-07:00"], None),
        ("2026-06-01T06:00", ["mon-fri 22:00-07:00"], None),
        ("2026-06-06T06:00", ["mon-fri 22:00-07:00"], "2026-06-06T07:00+02:00"),
        # Whole days, and windows that touch each other.
        ("2026-06-06T05:00", ["sat,sun 00:00-24:00"], "2026-06-08T00:00+02:00"),
        ("2026-06-05T23:00", ["sat,sun 00:00-24:00", "mon-fri 22:00-07:00"], "2026-06-08T00:00+02:00"),
        ("2026-06-07T12:00", ["fri-mon 08:00-20:00"], "2026-06-07T20:00+02:00"),
        # In spring 02:00 to 03:00 is not there; in autumn it is there twice.
        ("2026-03-29T01:00+01:00", ["22:00-02:30"], "2026-03-29T03:30+02:00"),
        ("2026-03-29T03:10+02:00", ["22:00-04:00"], "2026-03-29T04:00+02:00"),
        ("2026-10-25T02:45+02:00", ["22:00-02:30"], "2026-10-25T02:30+01:00"),
        ("2026-10-25T02:45+01:00", ["22:00-02:30"], None),
    ],
)
def test_a_quiet_time_holds_until_its_end(moment: str, windows: list[str], end: str | None) -> None:
    assert until(moment, *windows) == end


def test_the_next_one_is_known() -> None:
    windows = [quiet_window("sat 10:00-11:00 Europe/Berlin"), quiet_window("wed 08:00-09:00 Europe/Berlin")]

    assert told(next_quiet(windows, at("2026-06-01T12:00"))) == "2026-06-03T08:00+02:00"
    assert told(next_quiet(windows, at("2026-06-03T08:00"))) == "2026-06-06T10:00+02:00"
    assert next_quiet([], 0.0) is None


def test_windows_without_an_end_are_looked_at_again_later() -> None:
    always = until("2026-06-01T12:00", "daily 00:00-24:00")

    assert always is not None
    assert always > "2026-06-07"


def test_without_a_zone_it_is_the_machines_own() -> None:
    noon = datetime(2026, 6, 1, 12, 30).timestamp()

    assert quiet_until([quiet_window("mon 12:00-13:00")], noon) == noon + 1800


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("at night", "days, hours and a time zone"),
        ("25:00-26:00", "no time of the day"),
        ("12:60-13:00", "no time of the day"),
        ("12:00-12:00", "whole day is 00:00-24:00"),
        ("24:00-07:00", "whole day"),
        ("mon-fry 12:00-13:00", "no day"),
        ("12:00-13:00 Europe/Berln", "did you mean Europe/Berlin"),
        ("", "days, hours and a time zone"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        quiet_window(text)
