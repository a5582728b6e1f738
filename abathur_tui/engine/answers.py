"""Waiting for people: a task that asks goes on once all its questions are answered, whoever answers and from where."""

import asyncio
from collections.abc import Callable, Collection, Iterable


class Answers:
    """Which tasks wait. The engine looks at their questions whenever the database has changed."""

    def __init__(self, look_again: Callable[[], None]) -> None:
        """Nobody waits. `look_again` is called when somebody does: the answers may be there already."""
        self._look_again = look_again
        self._waiting: dict[int, asyncio.Future[None]] = {}

    @property
    def awaited(self) -> list[int]:
        """The tasks that wait."""
        return list(self._waiting)

    async def given(self, task: int) -> None:
        """Waits until no question of the task is open."""
        future = self._waiting.setdefault(task, asyncio.get_running_loop().create_future())
        self._look_again()
        try:
            await future
        finally:
            self._waiting.pop(task, None)

    def looked(self, tasks: Iterable[int], still_asking: Collection[int]) -> None:
        """Of these tasks, those that are not among `still_asking` have their answers."""
        for task in tasks:
            future = self._waiting.get(task)
            if future is not None and task not in still_asking and not future.done():
                future.set_result(None)
