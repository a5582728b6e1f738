"""The table of failures, row by row where no server is needed."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import AccountRefused
from abathur_tui.runtimes.failures import Break, Refusal, broken, kind_of, redacted, refused, retry_after

NOW = 1_800_000_000.0


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "12"}, 0.25),
        ({"retry-after": format_datetime(_date(90), usegmt=True)}, 90.0),
        ({"retry-after": format_datetime(_date(-90), usegmt=True)}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": _date(30).isoformat()}, 30.0),
        ({"anthropic-ratelimit-requests-remaining": "5", "anthropic-ratelimit-requests-reset": _date(30).isoformat()}, None),
    ],
)
def test_the_wait_that_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_a_limit_that_resets_only_in_hours_is_the_accounts_whichever_way_it_is_told() -> None:
    dated = Refusal(429, "rate_limit_error", "slow down", {"retry-after": format_datetime(_date(7200), usegmt=True)})
    by_header = Refusal(
        429,
        "rate_limit_error",
        "slow down",
        {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": _date(7200).isoformat()},
    )

    for refusal in (dated, by_header):
        failure = refused(refusal, NOW)
        assert isinstance(failure, AccountRefused)
        assert failure.retry_after == 7200


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.PERMANENT),
        (403, FailureKind.PERMANENT),
        (404, FailureKind.PERMANENT),
        (418, FailureKind.PERMANENT),
        (429, FailureKind.TRANSIENT),
        (500, FailureKind.TRANSIENT),
        (501, FailureKind.PERMANENT),
        (529, FailureKind.TRANSIENT),
        (599, FailureKind.TRANSIENT),
        (200, FailureKind.UNKNOWN),
        (700, FailureKind.UNKNOWN),
    ],
)
def test_a_status_alone_has_a_kind(status: int, kind: FailureKind) -> None:
    assert kind_of(Refusal(status, None, ""), NOW) is kind


def test_a_wrong_request_that_comes_as_5xx_is_tried_again() -> None:
    assert kind_of(Refusal(500, "invalid_request_error", ""), NOW) is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Your credit balance is too low to access the Anthropic API.", FailureKind.ACCOUNT),
        ("You exceeded your current quota, please check your plan and billing details.", FailureKind.ACCOUNT),
        ("You have reached your specified API usage limits.", FailureKind.ACCOUNT),
        ("tools.0.name: 'billing lookup' does not fit", FailureKind.PERMANENT),
        ("messages: the text 'quota' is no role", FailureKind.PERMANENT),
    ],
)
def test_the_account_is_known_by_whole_phrases(message: str, kind: FailureKind) -> None:
    assert kind_of(Refusal(400, "invalid_request_error", message), NOW) is kind


def test_a_usage_limit_that_names_its_end_waits_until_then() -> None:
    day = _date(86_400).strftime("%Y-%m-%d")
    failure = refused(
        Refusal(400, "invalid_request_error", f"You have reached your API usage limits. You will regain access on {day} at 08:00 UTC."), NOW
    )

    assert isinstance(failure, AccountRefused)
    assert failure.retry_after == 86_400


@pytest.mark.parametrize("secret", ["sk-ant-api03-abcdef_123", "Bearer abcdef0123456789", "Basic dXNlcjpwYXNz"])
def test_secrets_are_taken_out_of_texts(secret: str) -> None:
    assert secret not in redacted(f"x-api-key {secret} is wrong")


def test_texts_of_servers_are_one_line_of_bounded_length() -> None:
    text = redacted("a\nb " * 10_000)

    assert "\n" not in text
    assert len(text) < 600


@pytest.mark.parametrize("how", Break)
def test_every_break_says_which_server_and_what_to_do(how: Break) -> None:
    failure = broken(how, "127.0.0.1:8000")

    assert "127.0.0.1:8000" in failure.message
    assert failure.advice
