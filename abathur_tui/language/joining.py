"""The parameter `join`: how one result is made of several."""

from collections.abc import Callable, Mapping
from typing import Any

from abathur_tui.domain.plan import ConflictRule, JoinStrategy, JoinWish
from abathur_tui.language.resolved import Given
from abathur_tui.language.values import Mistake, nearest_of, one_of, texts

STRATEGIES = tuple(str(strategy) for strategy in JoinStrategy if strategy is not JoinStrategy.LEAD)
"""What people may ask for; a lead is a template's own business."""
DEFAULT_THRESHOLD = 0.8
"""Of a threshold that is switched on without a number."""
HOW_TO_VOTE = "Your answer is put to the vote. End with one line that holds it in as few words as possible: `Vote: …`"
"""What the members of a vote are told."""
_RULES = tuple(str(rule) for rule in ConflictRule)
_KEEP_CONFLICTS = frozenset({JoinStrategy.CONCATENATE, JoinStrategy.MERGE, JoinStrategy.REDUCE, JoinStrategy.SYNTHESIZE, None})
"""Joins in which members can contradict each other: the others take one member's result as it is."""


def read_join(name: str, value: Given) -> JoinWish:
    """`join="vote"`, or an object with the strategy and how it is to be done. Raises Mistake."""
    if not isinstance(value, dict):
        return JoinWish(JoinStrategy(one_of(name, value, STRATEGIES)))
    unknown = next((key for key in value if key not in _READERS), None)
    if unknown is not None:
        raise Mistake(f"`{name}` takes no `{unknown}`", nearest_of(unknown, tuple(_READERS)) or f"it takes {', '.join(_READERS)}")
    given = {key: one for key, one in value.items() if one is not None}
    read: dict[str, Any] = {key: _READERS[key](f"{name}.{key}", one) for key, one in given.items()}
    if "command" in read:
        read.setdefault("strategy", JoinStrategy.REDUCE)
    wish = JoinWish(**read)
    _check(name, wish, given)
    return wish


def names_a_command(value: object) -> bool:
    """Whether a value of `join` names a command to run."""
    return isinstance(value, Mapping) and value.get("command") is not None


def _check(name: str, wish: JoinWish, given: Mapping[str, Given]) -> None:
    """What was given must have an effect with this strategy."""
    effects = {
        "conflicts": wish.strategy in _KEEP_CONFLICTS and wish.command is None,
        "command": wish.strategy is JoinStrategy.REDUCE,
        "threshold": wish.strategy is JoinStrategy.SYNTHESIZE,
        "criteria": wish.strategy is JoinStrategy.BEST or wish.threshold is not None,
    }
    for key, has_effect in effects.items():
        if key in given and not has_effect:
            strategy = f"{wish.strategy}" if wish.strategy else "strategy that is not given"
            raise Mistake(f"`{name}.{key}` has no effect with the {strategy}", "leave it out")


def _strategy(name: str, value: Given) -> JoinStrategy:
    return JoinStrategy(one_of(name, value, STRATEGIES))


def _rule(name: str, value: Given) -> ConflictRule:
    return ConflictRule(one_of(name, value, _RULES))


def _share(name: str, value: Given) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Mistake(f"`{name}` takes a number from 0 to 1")
    return float(value)


def _threshold(name: str, value: Given) -> float | None:
    if isinstance(value, bool):
        return DEFAULT_THRESHOLD if value else None
    return _share(name, value)


def _command(name: str, value: Given) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise Mistake(f"`{name}` takes a shell command as text", 'command: "jq -s add"')
    return value


def _criteria(name: str, value: Given) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items or not texts(items) or any(not item.strip() for item in items if isinstance(item, str)):
        raise Mistake(f"`{name}` takes texts", 'criteria: ["correct", "short"]')
    return tuple(item.strip() for item in items if isinstance(item, str))


_READERS: dict[str, Callable[[str, Given], object]] = {
    "strategy": _strategy,
    "success_threshold": _share,
    "conflicts": _rule,
    "command": _command,
    "threshold": _threshold,
    "criteria": _criteria,
}
