"""The one table of what can go wrong with a model's server, and what each failure means for the task.

Nothing here knows the SDK: `runtimes.anthropic` reduces whatever came up to a `Refusal` (the server has spoken) or a `Break` (it has not).
"""

import email.utils
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from abathur_tui.domain.conversation import FailureKind
from abathur_tui.domain.errors import AccountRefused, AnswerIncomplete, ApiRefused, ApiUnavailable, RuntimeFailure

QUOTA_SECONDS = 600.0
"""A rate limit that asks to wait longer than this is a used-up quota: the account's tasks wait together."""

_MESSAGE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server has answered instead of a message."""

    status: int
    """The HTTP status; 200 for an error event in the middle of a stream."""
    type: str | None
    """The API's own word, such as `overloaded_error`; None where the body is not the API's."""
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    model: str = ""
    server: str = ""
    """Host, for messages."""


class Break(StrEnum):
    """How a conversation with the server broke off without a word of the server."""

    CONNECT = "cannot be reached"
    """No connection: refused, no such host, no route."""
    CONNECT_TIMEOUT = "does not accept the connection in time"
    CUT = "closed the connection in the middle of the answer"
    STALL = "has gone silent in the middle of the answer"
    GARBAGE = "sent something that is not an answer"
    EARLY_END = "ended the answer before its end"
    ADDRESS = "has an address that cannot be used"
    """The base URL is not one, or a header cannot be sent."""


_TRANSIENT, _PERMANENT, _ACCOUNT = FailureKind.TRANSIENT, FailureKind.PERMANENT, FailureKind.ACCOUNT

_BY_TYPE = {
    "authentication_error": _ACCOUNT,
    "billing_error": _ACCOUNT,
    "permission_error": _PERMANENT,
    "not_found_error": _PERMANENT,
    "invalid_request_error": _PERMANENT,
    "request_too_large": _PERMANENT,
    "exceed_context_size_error": _PERMANENT,
    "rate_limit_error": _TRANSIENT,
    "overloaded_error": _TRANSIENT,
    "timeout_error": _TRANSIENT,
    "api_error": _TRANSIENT,
    "conflict_error": _TRANSIENT,
}
"""By the API's own word, which is surer than the status: an error event in a stream comes with status 200."""

_BY_STATUS = {
    401: _ACCOUNT,
    402: _ACCOUNT,
    407: _PERMANENT,
    408: _TRANSIENT,
    409: _TRANSIENT,
    425: _TRANSIENT,
    429: _TRANSIENT,
    501: _PERMANENT,
    505: _PERMANENT,
}
"""By status, where the body says nothing: gateways and proxies. Other 3xx and 4xx are permanent, other 5xx transient, all else unknown."""

_ACCOUNT_WORDS = re.compile(
    r"credit balance|plans? & billing|billing (?:hard limit|issue|details|is)|payment required|insufficient (?:credit|funds|quota|balance)"
    r"|(?:exceeded|out of|over) (?:your )?(?:current |monthly |daily )?quota|usage limits?\b|spend(?:ing)? limit"
    r"|organization has been disabled|account (?:is|has been) (?:disabled|suspended)|invalid (?:x-)?api[- ]key",
    re.IGNORECASE,
)
"""What a refusal of the account says, whatever status and type it comes with (a low credit balance is a 400). Whole phrases, because a
refusal can also quote the request."""

_REGAIN = re.compile(r"regain access on (?P<day>\d{4}-\d\d-\d\d)(?: at (?P<time>\d\d:\d\d))?", re.IGNORECASE)
"""How the API names the end of a usage limit, in UTC."""

_TOO_LONG_WORDS = re.compile(r"prompt is too long|too many tokens|context (?:size|window|length)|exceeds? the (?:maximum|available)", re.IGNORECASE)

_SECRETS = re.compile(r"\bsk-[A-Za-z0-9_-]{6,}|\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def kind_of(refusal: Refusal, now: float) -> FailureKind:
    """What a refusal means for the task; `now` is the Unix time, for a retry-after that is a date."""
    if refusal.status < 500 and _ACCOUNT_WORDS.search(refusal.message):
        return _ACCOUNT
    if refusal.type in ("rate_limit_error", None) and refusal.status == 429:
        return _ACCOUNT if (retry_after(refusal.headers, now) or 0) > QUOTA_SECONDS else _TRANSIENT
    by_type = _BY_TYPE.get(refusal.type or "")
    by_status = _BY_STATUS.get(refusal.status)
    if by_type is _PERMANENT and refusal.status >= 500:
        by_type = None
    if (kind := by_type or by_status) is not None:
        return kind
    if 300 <= refusal.status < 500:
        return _PERMANENT
    return _TRANSIENT if 500 <= refusal.status < 600 else FailureKind.UNKNOWN


def refused(refusal: Refusal, now: float) -> RuntimeFailure:
    """The failure that a task sees of a refusal; `now` is the Unix time, for a retry-after that is a date.

    An account's failure with a `retry_after` is a quota that comes back by itself; without one it waits for a person.
    """
    kind = kind_of(refusal, now)
    wait = retry_after(refusal.headers, now) or _regained(refusal.message, now)
    server = refusal.server or "the server"
    said = redacted(refusal.message).strip() or "no reason given"
    word = f"{refusal.status} {refusal.type}" if refusal.type else str(refusal.status)
    match kind:
        case FailureKind.ACCOUNT:
            what = "The account's limit is reached" if refusal.status == 429 or wait else "The account is refused"
            hint = "It goes on by itself when the limit resets; see `abathur status`." if wait else None
            return AccountRefused(f"{what} ({word} from {server}): {said}", retry_after=wait, hint=hint)
        case FailureKind.TRANSIENT:
            return ApiUnavailable(f"The model is not available just now ({word} from {server}): {said}", retry_after=wait)
        case FailureKind.PERMANENT:
            return ApiRefused(f"The request was refused ({word} from {server}): {said}", hint=_hint(refusal))
        case FailureKind.UNKNOWN:
            return ApiRefused(f"The server answered with something unknown ({word} from {server}): {said}", kind=kind, retry_after=wait)


def broken(how: Break, server: str, reason: str = "") -> RuntimeFailure:
    """The failure that a task sees when the server said nothing."""
    said = f"The model's server {server} {how.value}"
    text = f"{said}: {redacted(reason)}" if reason else f"{said}."
    match how:
        case Break.EARLY_END | Break.CUT:
            return AnswerIncomplete(text)
        case Break.ADDRESS:
            return ApiRefused(text, hint="Mend ANTHROPIC_BASE_URL, or api.base_url in your own config file.")
        case Break.CONNECT:
            return ApiUnavailable(text, hint="Is the address right, and the network there? It is tried again by itself.")
        case _:
            return ApiUnavailable(text)


def unexpected(server: str, error: BaseException) -> RuntimeFailure:
    """The failure that a task sees of something that nobody foresaw."""
    return ApiRefused(f"The answer of {server} could not be read: {type(error).__name__}: {redacted(str(error))}", kind=FailureKind.UNKNOWN)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """How many seconds the server asks to wait (seconds, milliseconds or a date); None where it does not say."""
    wait = _seconds(headers.get("retry-after-ms"), 0.001)
    if wait is None:
        wait = _seconds(headers.get("retry-after"), 1.0)
    if wait is None and (date := headers.get("retry-after")) and (parsed := email.utils.parsedate_tz(date)):
        wait = email.utils.mktime_tz(parsed) - now
    if wait is None:
        wait = _reset(headers, now)
    return max(0.0, wait) if wait is not None and math.isfinite(wait) else None


def redacted(text: str) -> str:
    """The text without anything that looks like a key, on one line, and not endlessly long."""
    line = " ".join(_SECRETS.sub("[redacted]", text).split())
    return line if len(line) <= _MESSAGE_CHARACTERS else line[:_MESSAGE_CHARACTERS] + "…"


def _seconds(text: str | None, unit: float) -> float | None:
    try:
        return float(text) * unit if text else None
    except ValueError:
        return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """Until the limits that are used up reset, by the API's own headers (RFC 3339 dates)."""
    waits = []
    for name, value in headers.items():
        if name.startswith("anthropic-ratelimit-") and name.endswith("-reset") and headers.get(name[: -len("reset")] + "remaining") == "0":
            try:
                waits.append(datetime.fromisoformat(value).timestamp() - now)
            except ValueError:
                continue
    return max(waits, default=None)


def _regained(message: str, now: float) -> float | None:
    """Until the day on which the message says that the account may go on."""
    if (named := _REGAIN.search(message)) is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{named['day']}T{named['time'] or '00:00'}:00+00:00")
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now)


def _hint(refusal: Refusal) -> str | None:
    if refusal.status == 413 or refusal.type in ("request_too_large", "exceed_context_size_error") or _TOO_LONG_WORDS.search(refusal.message):
        return "Make the prompt shorter: fewer or smaller inputs, or split the task; or choose a model with a larger context."
    if refusal.type == "not_found_error" or refusal.status == 404:
        name = f" {refusal.model}" if refusal.model else ""
        return f"Is the model's name{name} right, and does the address speak the Messages API? Set api.model or --model."
    if 300 <= refusal.status < 400:
        return "The address has moved: set ANTHROPIC_BASE_URL to the new one."
    return None
