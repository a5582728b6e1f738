"""The parameters `success_criteria` and `confidence`: what a result must meet to count."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.plan import OnFailure
from abathur_tui.domain.success import LEAST, Success
from abathur_tui.domain.templates import Template
from abathur_tui.language.resolved import Given, Options
from abathur_tui.language.values import Mistake

CRITERIA = "success_criteria"
MOST_CRITERIA = 32
_MOST_CHARACTERS = 4000
_COMPARED = re.compile(r"([A-Za-z_][\w.-]*)\s*(<=|>=|==|=|<|>)\s*([^\s:]+)")
_SCORES = ("quality", "confidence")
_EXAMPLE = 'success_criteria=["quality>=0.8", "$ pytest -q", "names its sources"]'


def read_success(name: str, value: Given) -> Success:
    """A list of `quality>=0.8`, `$ command` and sentences, or one of them. Raises Mistake."""
    items: Sequence[Given] = value if isinstance(value, list) else [value]
    if not items or len(items) > MOST_CRITERIA:
        raise Mistake(f"`{name}` takes 1 to {MOST_CRITERIA} texts", _EXAMPLE)
    commands: dict[str, None] = {}
    sentences: dict[str, None] = {}
    least: dict[str, float] = {}
    for item in items:
        if not isinstance(item, str) or not item.strip() or len(item) > _MOST_CHARACTERS or "\0" in item:
            raise Mistake(f"`{name}` takes texts", _EXAMPLE)
        text = item.strip()
        if is_command(text):
            commands[_command(name, text)] = None
        elif (threshold := _threshold(name, text)) is not None:
            least[threshold[0]] = threshold[1]
        else:
            sentences[text] = None
    return Success(tuple(commands), tuple(sentences), least.get("quality"), least.get("confidence"))


def read_confidence(name: str, value: Given) -> float | None:
    """A number from 0 to 1; true is 0.8, false none. Raises Mistake."""
    if isinstance(value, bool):
        return LEAST if value else None
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Mistake(f"`{name}` takes a number from 0 to 1", f"{name}={LEAST:g}")
    return float(value)


def wanted_of(options: Options, template: Template | None) -> Success | None:
    """What a command's result must meet: what the command says, else its template, if it has one; None where nothing is asked for.

    It is tried again only where `retries` or `on_failure="retry"` was said: the usual retries are for errors that may pass by themselves.
    """
    wanted = options.success or (template.success if template is not None else None)
    if options.confidence is not None:
        wanted = replace(wanted or Success(), confidence=options.confidence)
    if wanted is None:
        return None
    said = options.retries if options.retries is not None or template is None else template.retries
    again = said if said is not None else None if options.on_failure is OnFailure.RETRY else 0
    return replace(wanted, attempts=0 if options.on_failure is OnFailure.FAIL else again)


def is_command(text: str) -> bool:
    """Whether a criterion is run."""
    return text.lstrip().startswith("$")


def names_commands(value: object) -> bool:
    """Whether a value of `success_criteria` holds a text that is run."""
    items = value if isinstance(value, list | tuple) else value.values() if isinstance(value, Mapping) else [value]
    return any(isinstance(item, str) and is_command(item) for item in items)


def _command(name: str, text: str) -> str:
    command = text[1:].strip()
    if not command:
        raise Mistake(f"`{name}` has a `$` without a command", '"$ pytest -q"')
    return command


def _threshold(name: str, text: str) -> tuple[str, float] | None:
    """`quality>=0.8`, or a score alone; None for a sentence."""
    if text.lower() in _SCORES:
        return text.lower(), LEAST
    compared = _COMPARED.fullmatch(text)
    if compared is None:
        return None
    score, sign, number = compared[1].lower(), compared[2], compared[3]
    if score not in _SCORES:
        meant = nearest(score, _SCORES)
        suggestion = f'did you mean "{meant}>={number}"?' if meant else 'a measured figure belongs to a loop: criterion="latency_ms<=100: ./bench.sh"'
        raise Mistake(f"`{name}` knows no figure `{compared[1]}`; it knows quality and confidence", suggestion)
    if sign not in (">=", ">"):
        raise Mistake(f"`{name}` takes the least {score} that will do", f'"{score}>={LEAST:g}"')
    try:
        least = float(number)
    except ValueError:
        least = -1.0
    if not 0 <= least <= 1:
        raise Mistake(f"`{name}` takes a {score} from 0 to 1", f'"{score}>={LEAST:g}"')
    return score, least
