"""Questions that stand over the panes: one box, the question, and the keys that answer it."""

from enum import StrEnum
from typing import TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from abathur_tui.domain.safe_text import safe
from abathur_tui.screen.actions import Where, bindings, key_text, of

T = TypeVar("T")


class Question(ModalScreen[T]):
    """A question; what was typed before it was drawn does not answer it."""

    def __init__(self, question: str, details: str = "") -> None:
        """`question` and `details` may hold foreign text."""
        super().__init__(classes="dialog")
        self._question, self._details = safe(question), safe(details)
        self._seen = False

    def compose(self) -> ComposeResult:
        """The question, and how to answer."""
        with Vertical(classes="dialog-box"):
            yield Static(Content(self._question), classes="dialog-question")
            if self._details:
                yield Static(Content(self._details), classes="dialog-details")
            yield Static(self.answers(), classes="dialog-keys")

    def on_mount(self) -> None:
        """From the first drawing on, keys count."""
        self.call_after_refresh(self._be_seen)

    def answers(self) -> Content:
        """The keys, and what they mean."""
        raise NotImplementedError

    def offers(self, name: str) -> bool:
        """Whether it has been drawn."""
        return self._seen

    def _be_seen(self) -> None:
        self._seen = True


class Confirm(Question[bool]):
    """Yes or no."""

    BINDINGS = bindings(Where.DIALOGS)

    def __init__(self, question: str, details: str = "", *, yes: str = "yes") -> None:
        """`yes`: what happens then, in a word."""
        super().__init__(question, details)
        self._yes = yes

    def answers(self) -> Content:
        """In one line."""
        return Content.assemble(("y", "$role-accent"), f" {self._yes}    ", ("n", "$role-accent"), " no")

    def action_dialog_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_dialog_no(self) -> None:
        """Do nothing."""
        self.dismiss(False)


class Leave(StrEnum):
    """How the screen is left."""

    GO_ON = "go on"
    """The engine goes on with the work."""
    STOP = "stop"
    """The engine is stopped; its tasks go back to the queue."""
    STAY = "stay"


class LeaveScreen(Question[Leave]):
    """Asked where work is going on."""

    BINDINGS = bindings(Where.LEAVING)

    def __init__(self, running: int, waiting: int) -> None:
        """How many tasks run, and how many have not begun."""
        super().__init__(f"{running:,} running, {waiting:,} waiting.")

    def answers(self) -> Content:
        """One line for each way."""
        lines = [Content.assemble((f"{key_text(action.keys[0]):<7}", "$role-accent"), action.help) for action in of(Where.LEAVING)]
        return Content("\n").join(lines)

    def action_leave_go_on(self) -> None:
        """The engine goes on."""
        self.dismiss(Leave.GO_ON)

    def action_leave_stop(self) -> None:
        """The engine is stopped."""
        self.dismiss(Leave.STOP)

    def action_leave_stay(self) -> None:
        """Nothing happens."""
        self.dismiss(Leave.STAY)
