"""Who does an action of the registry: the way from a name to a method."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

from textual.dom import DOMNode
from textual.screen import Screen

from abathur_tui.screen.actions import BY_NAME, Action, Where
from abathur_tui.screen.messages import Offering, Refusing
from abathur_tui.screen.screens.cockpit import Cockpit

Doing: TypeAlias = Callable[[], Awaitable[None] | None]

_ONLY_HERE = frozenset({Where.LISTS, Where.TASK_SCREEN, Where.NEW, Where.ANSWERING, Where.DIALOGS, Where.LEAVING})
"""Places whose actions are about what has the focus, and never about another pane."""


def doing_of(name: str, stage: Screen[Any]) -> Doing | None:
    """What does the action now: a method of what has the focus on `stage`, of what is around it, of another pane, or of the app.

    The first that can do it (`offers`) wins; None where nothing can.
    """
    action = BY_NAME.get(name)
    if action is None:
        return None
    for node in _candidates(action, stage):
        method: Doing | None = getattr(node, action.method, None)
        if method is not None and (not isinstance(node, Offering) or node.offers(name)):
            return method
    return None


def why_not(name: str, stage: Screen[Any]) -> str:
    """Why what has the focus cannot do the action now, where it has something to say of that."""
    around = (stage.focused or stage).ancestors_with_self
    return next((said for node in around if isinstance(node, Refusing) and (said := node.why_not(name))), "")


def _candidates(action: Action, stage: Screen[Any]) -> Iterator[DOMNode]:
    *around, app = (stage.focused or stage).ancestors_with_self
    yield from around
    if isinstance(stage, Cockpit) and action.where not in _ONLY_HERE:
        yield from stage.panes
    yield app
