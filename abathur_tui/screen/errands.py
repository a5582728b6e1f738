"""What the app does in the background: everything that waits for the project, the disk or another process."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Protocol

from abathur_tui.domain.errors import AbathurError
from abathur_tui.domain.notices import Notice, NoticeKind
from abathur_tui.domain.questions import Given
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

    async def follow_files(self) -> None:
        """Templates, agent definitions and settings that are saved count at once; tell so, and what is wrong with them."""
        try:
            for notice in (await asyncio.to_thread(lambda: self._project.workbench.registry)).notices:
                self._tell(notice)
            async with aclosing(self._project.library_changes()) as changes:
                async for notice in changes:
                    self._tell(notice)
        except AbathurError:
            return  # the settings are broken: `say_who_answers` says it

    def _tell(self, notice: Notice) -> None:
        self._teller.say(str(notice), seconds=10, warning=notice.kind is not NoticeKind.CHANGED)

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

    async def relieve(self) -> None:
        """For as long as the screen is open, an engine that does nothing any more is ended, and another one goes on."""
        if self._starts_engine:
            await self._project.relieve()

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

    async def answer(self, answers: Mapping[int, Given]) -> None:
        """Say what was chosen, many alike in one go, and tell what came of it."""
        by_answer: dict[str, list[int]] = {}
        for question, given in answers.items():
            by_answer.setdefault(repr(given), []).append(question)
        refusals: list[AbathurError] = []
        done = 0
        try:
            for questions in by_answer.values():
                answered = await self._project.answer(questions, answers[questions[0]])
                refusals += [one.error for one in answered if one.error is not None]
                done += sum(one.error is None for one in answered)
        except AbathurError as error:
            refusals.append(error)
        said = f"{done} answered" if done else ""
        if refusals:
            self._teller.say_error(refusals[0], said)
        else:
            self._teller.say(said, seconds=3)
        self._store.refresh_soon()

    async def pause_queue(self, pause: bool) -> None:
        """Let nothing new start, or let the queue go on."""
        try:
            if pause:
                await self._project.pause_queue()
            else:
                await self._project.resume_queue()
        except AbathurError as error:
            self._teller.say_error(error)
            return
        self._teller.say("the queue is paused: nothing new starts, what runs goes on" if pause else "the queue goes on")
        self._store.refresh_soon()
        if not pause and self._store.works:
            await self.ensure_engine()

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
