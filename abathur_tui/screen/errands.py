"""What the app does in the background: everything that waits for the project, the disk or another process."""

import asyncio
from typing import Protocol

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.safe_text import safe
from abathur_tui.project import Project
from abathur_tui.screen import answering, intents
from abathur_tui.screen.messages import TaskIntent, Verb
from abathur_tui.screen.store import Store

_BETWEEN_ENGINES_SECONDS = 5.0
"""An engine that died is replaced at most so often."""


class Teller(Protocol):
    """Who tells the user what came of it."""

    def say(self, text: str, *, seconds: float = 6, warning: bool = False) -> None:
        """A notice."""
        ...

    def say_error(self, error: AbathurError, what: str = "") -> None:
        """An error with its code and what to do; `what` is said before it."""
        ...


class Errands:
    """One method for each errand; each is awaited by a worker that the app owns."""

    def __init__(self, project: Project, store: Store, teller: Teller, *, starts_engine: bool) -> None:
        """`starts_engine`: whether work that waits gets an engine."""
        self._project, self._store, self._teller = project, store, teller
        self._starts_engine = starts_engine
        self._engine_asked_at: float | None = None

    async def say_who_answers(self) -> None:
        """Put the runtime and model into the header; tell what the settings say in vain."""
        try:
            for notice in await asyncio.to_thread(answering.notices, self._project):
                self._teller.say(safe(notice), seconds=10, warning=True)
            said = await asyncio.to_thread(answering.describe, self._project)
        except AbathurError as error:
            self._teller.say_error(error)
            said = "nothing can answer"
        self._store.say_who_answers(said)

    async def go_on(self) -> None:
        """Unfinished work of an earlier day goes on."""
        try:
            waits = await asyncio.to_thread(answering.has_open_work, self._project)
        except AbathurError:
            return  # the store meets the same error, and says it
        if waits:
            await self.ensure_engine()

    async def ensure_engine(self) -> None:
        """An engine works off the queue, started where none lives."""
        if not self._starts_engine:
            return
        try:
            await self._project.ensure_engine()
        except AbathurError as error:
            self._teller.say_error(error)

    async def replace_engine(self) -> None:
        """The engine died, and its guard with it: start another."""
        now = self._store.clock.monotonic()
        if self._engine_asked_at is None or now - self._engine_asked_at > _BETWEEN_ENGINES_SECONDS:
            self._engine_asked_at = now
            await self.ensure_engine()

    async def stop_engine(self) -> bool:
        """The engine has stopped; False where it would not."""
        try:
            await self._project.stop_engine()
        except AbathurError as error:
            self._teller.say_error(error)
            return False
        return True

    async def submit(self, text: str) -> None:
        """Queue a text. Raises AbathurError."""
        submitted = await self._project.submit(text)
        self._teller.say(f"queued as x{submitted.execution}: {intents.tasks(len(submitted.tasks))}", seconds=3)
        self._store.refresh_soon()

    async def carry_out(self, intent: TaskIntent) -> None:
        """Ask the project for what was asked of tasks, and tell what came of it."""
        try:
            changes = await intents.ask(self._project, intent)
        except AbathurError as error:
            self._teller.say_error(error)
            return
        said, refusal = intents.outcome(intent.verb, changes)
        if refusal is not None:
            self._teller.say_error(refusal, said)
        elif said:
            self._teller.say(said)
        self._store.refresh_soon()
        if intent.verb in (Verb.RETRY, Verb.RESUME):
            await self.ensure_engine()
