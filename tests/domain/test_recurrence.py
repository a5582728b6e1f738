"""When recurring tasks are due, clock changes included."""

import time
from collections.abc import Callable
from datetime import datetime

import pytest

from abathur_tui.domain.recurrence import recurrence
from abathur_tui.domain.time_zones import machine_zone_name, zone_of

BERLIN = "Europe/Berlin"


def times(cron: str, start: str, number: int, zone: str = BERLIN) -> list[str]:
    """The next times after a local start, as local time with its offset."""
    when = recurrence(cron, zone, lambda: "UTC")
    at = datetime.fromisoformat(start).timestamp()
    found = []
    for _ in range(number):
        following = when.after(at)
        assert following is not None
        assert following > at
        at = following
        found.append(datetime.fromtimestamp(at, zone_of(zone)).isoformat(timespec="minutes"))
    return found


def test_it_is_due_at_the_times_that_it_says_in_its_zone() -> None:
    assert times("0 7 * * 1-5", "2026-06-05T12:00+02:00", 2) == ["2026-06-08T07:00+02:00", "2026-06-09T07:00+02:00"]
    assert times("@daily", "2026-06-05T12:00+02:00", 1) == ["2026-06-06T00:00+02:00"]
    assert times("0 0 L * *", "2026-02-01T00:00+01:00", 1) == ["2026-02-28T00:00+01:00"]


@pytest.mark.parametrize("cron", ["30 2 * * *", "0,30 2 * * *"])
def test_a_time_that_is_skipped_in_spring_comes_right_after_the_gap_and_once(cron: str) -> None:
    assert times(cron, "2026-03-28T12:00+01:00", 2)[0] == "2026-03-29T03:00+02:00"
    assert times(cron, "2026-03-28T12:00+01:00", 2)[1].startswith("2026-03-30T02:")


def test_a_time_that_is_there_twice_in_autumn_comes_once() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00+02:00", 2) == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]
    assert times("45 2 * * *", "2026-10-25T02:30+01:00", 1) == ["2026-10-26T02:45+01:00"]


def test_what_is_due_every_half_hour_is_due_every_half_hour() -> None:
    assert times("*/30 * * * *", "2026-03-29T01:20+01:00", 3) == ["2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]
    assert times("*/30 * * * *", "2026-10-25T02:20+02:00", 4) == [
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T02:30+01:00",
        "2026-10-25T03:00+01:00",
    ]


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        (BERLIN, "2026-03-29"),
        (BERLIN, "2026-10-25"),
        ("America/Sao_Paulo", "2016-10-16"),  # midnight is skipped
        ("Asia/Beirut", "2011-03-27"),
        ("Australia/Lord_Howe", "2023-10-01"),  # by half an hour
        ("Australia/Lord_Howe", "2023-04-02"),
        ("Pacific/Chatham", "2024-04-07"),  # 45 minutes beside all others
        ("Pacific/Apia", "2011-12-30"),  # a day is skipped
    ],
)
@pytest.mark.parametrize(
    ("cron", "matches"),
    [
        ("*/20 0 * * *", lambda at: at.hour == 0 and at.minute % 20 == 0),
        ("17,47 */2 * * *", lambda at: at.hour % 2 == 0 and at.minute in (17, 47)),
        ("*/30 1-3 * * 0", lambda at: at.hour in (1, 2, 3) and at.minute % 30 == 0 and at.isoweekday() == 7),
    ],
)
def test_what_is_due_every_so_many_minutes_or_hours_is_due_whenever_the_clocks_show_that(
    cron: str, matches: Callable[[datetime], bool], zone: str, change: str
) -> None:
    # Given two days around a clock change, looked at minute by minute,
    begin = int(datetime.fromisoformat(f"{change}T00:00+00:00").timestamp()) - 86_400
    shown = [(at, datetime.fromtimestamp(at, zone_of(zone))) for at in range(begin, begin + 3 * 86_400, 60)]
    wanted = [at for at, local in shown if matches(local)]
    # then it is due at the minutes that match, and at no others.
    when, found = recurrence(cron, zone, lambda: "UTC"), [begin - 1.0]
    while (following := when.after(found[-1])) is not None and following < begin + 3 * 86_400:
        found.append(following)
    assert found[1:] == wanted


def test_a_zone_stands_before_it_or_beside_it_or_is_the_machines() -> None:
    assert recurrence("CRON_TZ=Asia/Tokyo 0 7 * * *", None, lambda: "UTC").timezone == "Asia/Tokyo"
    assert recurrence("TZ=Asia/Tokyo  0 7 * * *", "Asia/Tokyo", lambda: "UTC").cron == "0 7 * * *"
    assert recurrence("0 7 * * *", BERLIN, lambda: "UTC").timezone == BERLIN
    assert recurrence("0 7 * * *", None, lambda: BERLIN).timezone == BERLIN


@pytest.mark.parametrize(
    ("cron", "zone", "part"),
    [
        ("61 * * * *", None, "minute"),
        ("0 0 30 2 *", None, "day-of-month"),
        ("*/0 * * * *", None, "minute"),
        ("* * * *", None, "4 fields"),
        ("0 0 7 * * *", None, "6 fields"),
        ("", None, "0 fields"),
        ("@reboot", None, "@daily"),
        ("0 7 * * *", "Europe/Berln", "did you mean Europe/Berlin"),
        ("0 7 * * *", "../../etc/passwd", "no time zone"),
        ("0 7 * * *", "", "no time zone"),
        ("CRON_TZ=UTC 0 7 * * *", BERLIN, "two time zones"),
    ],
)
def test_what_cannot_be_read_is_told(cron: str, zone: str | None, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        recurrence(cron, zone, lambda: "UTC")


def test_what_never_comes_is_found_out_soon() -> None:
    begun = time.process_time()

    assert recurrence("* * */20 * 1L", "UTC", lambda: "UTC").after(0.0) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("named", "found"), [("Asia/Tokyo", "Asia/Tokyo"), (":Europe/Berlin", BERLIN), ("/usr/share/zoneinfo/Europe/Berlin", BERLIN)]
)
def test_the_machines_zone_is_that_of_its_environment(named: str, found: str) -> None:
    assert machine_zone_name({"TZ": named}) == found


def test_a_machine_whose_zone_has_no_name_must_be_told_one() -> None:
    assert zone_of(machine_zone_name({})).key
    with pytest.raises(ValueError, match="name one"):
        machine_zone_name({"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"})
