"""The queue as the screen holds it: the order as an array of ids, and the rows that are in sight."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from abathur_tui.domain.filters import TaskFilter
from abathur_tui.domain.tasks import Task

_KEPT_ROWS = 2000


@dataclass(slots=True)
class QueueView:
    """Which tasks a filter shows, in order. Rows that are not at hand are fetched when they come into sight."""

    ids: Sequence[int] = field(default_factory=lambda: array("q"))
    rows: dict[int, Task] = field(default_factory=dict)
    filter: TaskFilter = field(default_factory=TaskFilter)
    """What `ids` were asked for with; after a new filter was set, still the one before until the answer is there."""
    complete: bool = False
    """False while only the first page of what is wanted is known."""

    def __len__(self) -> int:
        return len(self.ids)

    def task(self, index: int) -> Task | None:
        """The row at `index`; None where it has not been fetched."""
        return self.rows.get(self.ids[index]) if 0 <= index < len(self.ids) else None

    def take(self, rows: Mapping[int, Task]) -> None:
        """Keep these rows; the oldest are let go when there are too many."""
        self.rows.update(rows)
        if len(self.rows) > _KEPT_ROWS:
            for id in list(self.rows)[: len(self.rows) - _KEPT_ROWS // 2]:
                if id not in rows:
                    del self.rows[id]

    def index_of(self, id: int, near: int) -> int | None:
        """Where a task is now, looked for around where it was; None where it is not shown (any more)."""
        for index in range(max(0, near - 200), min(len(self.ids), near + 200)):
            if self.ids[index] == id:
                return index
        try:
            return self.ids.index(id)
        except ValueError:
            return None
