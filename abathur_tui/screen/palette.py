"""The palette and the `:` line: the registry's actions by name."""

from collections.abc import Callable, Sequence

from textual.command import DiscoveryHit, Hit, Hits, Provider

from abathur_tui.domain.nearest import nearest
from abathur_tui.screen.actions import ACTIONS, BY_NAME, Action, keys_text
from abathur_tui.screen.messages import Perform


class ActionProvider(Provider):
    """All actions that work here now."""

    @property
    def _actions(self) -> Sequence[Action]:
        offers: Callable[[str], bool] = getattr(self.app, "offered")  # noqa: B009 (the app is ours; importing it would be a circle)
        return [action for action in ACTIONS if action.listed and offers(action.name)]

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for action in self._actions:
            yield DiscoveryHit(f"{action.title}  ({keys_text(action)})", self._doing(action), help=action.help)

    async def search(self, query: str) -> Hits:
        """Those whose title, name or help fits."""
        matcher = self.matcher(query)
        for action in self._actions:
            score = max(matcher.match(action.title), matcher.match(action.name), 0.5 * matcher.match(action.help))
            if score > 0:
                yield Hit(score, matcher.highlight(action.title), self._doing(action), help=f"{keys_text(action)}  {action.help}")

    def _doing(self, action: Action) -> Callable[[], None]:
        def do() -> None:
            self.app.post_message(Perform(action.name))

        return do


def names() -> list[str]:
    """What can be typed after `:`, for completion."""
    return [action.name for action in ACTIONS if action.listed] + sorted({_short(action) for action in ACTIONS if action.listed})


def find_action(text: str, offered: Callable[[str], bool]) -> Action | None:
    """The action that is meant: by its name, its last word, or its title; of several, one that works here."""
    wanted = text.strip().lower()
    if wanted in BY_NAME:
        return BY_NAME[wanted]
    found = [action for action in ACTIONS if wanted in (_short(action), action.title)]
    if not found:
        found = [action for action in ACTIONS if action.listed and wanted and _short(action).startswith(wanted)]
    return next((action for action in found if offered(action.name)), found[0] if found else None)


def suggestion(text: str) -> str | None:
    """The name that was probably meant."""
    return nearest(text.strip().lower(), names())


def _short(action: Action) -> str:
    return action.name.rpartition(".")[2].replace("_", " ")
