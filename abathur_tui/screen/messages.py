"""What widgets tell the app: one message per fact or wish."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from textual.message import Message


class Verb(StrEnum):
    """What can be asked of tasks."""

    CANCEL = "cancel"
    RETRY = "retry"
    PAUSE = "pause"
    RESUME = "resume"
    REPRIORITIZE = "reprioritize"
    CLEAR = "clear"


@dataclass
class Perform(Message):
    """An action of the registry is to be done, by its name."""

    name: str


@dataclass
class TaskIntent(Message):
    """Something is asked of tasks; the app asks the project for it."""

    verb: Verb
    tasks: tuple[int, ...]
    priorities: tuple[int, ...] = ()
    """REPRIORITIZE: the new priority of each task."""


@dataclass
class Answering(Message):
    """What these tasks ask is to be answered."""

    tasks: tuple[int, ...]


@dataclass
class OpenTask(Message):
    """A task's own screen is wanted."""

    task: int


@dataclass(frozen=True, slots=True)
class LogScope:
    """Whose log is shown; all None: everybody's."""

    task: int | None = None
    agent: int | None = None
    title: str = ""
    """What the pane's border says of it; foreign text."""


@dataclass
class ShowLog(Message):
    """The log of a task or an agent is wanted."""

    scope: LogScope


@runtime_checkable
class Offering(Protocol):
    """A widget or screen that knows which of its actions make sense now."""

    def offers(self, name: str) -> bool:
        """Whether it can do this action of the registry now."""
        ...


@runtime_checkable
class Refusing(Protocol):
    """A widget or screen that can say why an action would change nothing."""

    def why_not(self, name: str) -> str:
        """A sentence, empty where there is nothing to say."""
        ...


class OffersChanged(Message):
    """What can be done here may have changed: the footer looks again."""


@dataclass
class LineChanged(Message):
    """The text of the command bar is another one."""

    text: str


@dataclass
class LineEntered(Message):
    """The text of the command bar is complete."""

    text: str


class Copied(Message):
    """Something was sent to the terminal's clipboard."""
