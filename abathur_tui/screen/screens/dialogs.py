"""Questions that stand over the panes: one box, the question, and the keys that answer it."""

from enum import StrEnum

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from abathur_tui.domain.safe_text import safe
from abathur_tui.screen.actions import Where, bindings


class Confirm(ModalScreen[bool]):
    """Yes or no; what was typed before it opened does not answer it."""

    BINDINGS = bindings(Where.DIALOGS)

    def __init__(self, question: str, details: str = "", *, yes: str = "yes") -> None:
        """`question` and `details` may hold foreign text."""
        super().__init__(classes="dialog")
        self._question, self._details, self._yes = safe(question), safe(details), yes
        self._seen = False

    def on_mount(self) -> None:
        """Only keys that come after it was drawn answer it."""
        self.call_after_refresh(self._be_seen)

    def offers(self, name: str) -> bool:
        """Whether it has been drawn."""
        return self._seen

    def _be_seen(self) -> None:
        self._seen = True

    def compose(self) -> ComposeResult:
        """The question, and how to answer."""
        with Vertical(classes="dialog-box"):
            yield Static(Content(self._question), classes="dialog-question")
            if self._details:
                yield Static(Content(self._details), classes="dialog-details")
            yield Static(Content.assemble(("y", "$role-accent"), f" {self._yes}    ", ("n", "$role-accent"), " no"), classes="dialog-keys")

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


class LeaveScreen(ModalScreen[Leave]):
    """Asked where work is going on."""

    def __init__(self, running: int, waiting: int) -> None:
        """How many tasks run, and how many have not begun."""
        super().__init__(classes="dialog")
        self._count_running, self._count_waiting = running, waiting

    def compose(self) -> ComposeResult:
        """What is going on, and the three ways."""
        with Vertical(classes="dialog-box"):
            yield Static(Content(f"{self._count_running:,} running, {self._count_waiting:,} waiting."), classes="dialog-question")
            yield Static(
                Content.assemble(
                    ("enter", "$role-accent"),
                    "  leave; the engine goes on with the work\n",
                    ("s", "$role-accent"),
                    "      leave and stop the engine; its tasks go back to the queue\n",
                    ("esc", "$role-accent"),
                    "    stay",
                ),
                classes="dialog-keys",
            )

    def on_key(self, event: events.Key) -> None:
        """One of the three."""
        event.stop()
        match event.key:
            case "enter" | "y" | "q":
                self.dismiss(Leave.GO_ON)
            case "s":
                self.dismiss(Leave.STOP)
            case "escape" | "n":
                self.dismiss(Leave.STAY)
