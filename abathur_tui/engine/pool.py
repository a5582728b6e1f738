"""Open runtimes: one per choice, opened when first needed, with the key that the choice names or the one that replaces it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from abathur_tui.domain.conversation import Limits, Runtime
from abathur_tui.domain.execution import RuntimeChoice
from abathur_tui.processes import Children

OpenRuntime: TypeAlias = Callable[[RuntimeChoice, Mapping[str, str], Children], Runtime]


class RuntimePool:
    """The engine's runtimes. Whoever opens one need not close it: `aclose` ends them all."""

    def __init__(self, open_runtime: OpenRuntime, keys: Mapping[str, str], children: Children) -> None:
        """`keys`: by fingerprint, the newest last, and may grow."""
        self._open_runtime = open_runtime
        self._keys = keys
        self._children = children
        self._opened: dict[RuntimeChoice, asyncio.Task[Runtime]] = {}
        self._reached: dict[RuntimeChoice, tuple[Runtime, Limits]] = {}
        self._refused: set[str] = set()
        self._newest = next(reversed(list(keys)), None)

    async def open(self, choice: RuntimeChoice) -> Runtime:
        """The runtime of a choice. Raises RuntimeFailure; the next call tries again."""
        choice = self._with_usable_key(choice)
        opening = self._opened.get(choice)
        if opening is None:
            # In a thread: some runtimes import for seconds. Shielded, because others may wait for the same one.
            opening = asyncio.create_task(asyncio.to_thread(self._open_runtime, choice, self._keys, self._children))
            self._opened[choice] = opening
            opening.add_done_callback(lambda task: self._forget_failure(choice, task))
        return await asyncio.shield(opening)

    async def reach(self, choice: RuntimeChoice) -> tuple[Runtime, Limits]:
        """The runtime of a choice, and what it takes. Raises as `open`."""
        runtime = await self.open(choice)
        limits = await runtime.limits()
        self._reached[self._with_usable_key(choice)] = runtime, limits
        return runtime, limits

    def reached(self, choice: RuntimeChoice) -> tuple[Runtime, Limits] | None:
        """The same, if it is known without waiting. Any thread may ask."""
        return self._reached.get(self._with_usable_key(choice))

    def refused(self, choice: RuntimeChoice) -> None:
        """The account behind this choice's key was refused: another key, once there is one, takes its place."""
        if (fingerprint := self._with_usable_key(choice).key_fingerprint) is not None:
            self._refused.add(fingerprint)

    def key_arrived(self, fingerprint: str) -> None:
        """A key was handed over (again): it may be used."""
        self._refused.discard(fingerprint)
        self._newest = fingerprint

    async def aclose(self) -> None:
        """End all that was opened."""
        openings = list(self._opened.values())
        self._opened.clear()
        for runtime in await asyncio.gather(*openings, return_exceptions=True):
            if not isinstance(runtime, BaseException):
                with contextlib.suppress(Exception):  # one that does not close well must not keep the others open
                    await runtime.aclose()

    def _with_usable_key(self, choice: RuntimeChoice) -> RuntimeChoice:
        choice = replace(choice, agent_models=()) if choice.agent_models else choice  # they change nothing about the runtime itself
        named = choice.key_fingerprint
        usable = named is None or (named in self._keys and named not in self._refused)
        if usable or self._newest is None or self._newest in self._refused:
            return choice
        return replace(choice, key_fingerprint=self._newest)

    def _forget_failure(self, choice: RuntimeChoice, task: "asyncio.Task[Runtime]") -> None:
        if (task.cancelled() or task.exception() is not None) and self._opened.get(choice) is task:
            del self._opened[choice]
