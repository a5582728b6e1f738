"""Where in the journal the wall clock was set back: a moment after that says nothing about one before.

Moments alone would put what was written last before what was written first. So it is kept, for each source of the journal, which row was the last
one before; what lies between two such places is an era, and within it moments count.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Literal

from abathur_tui.domain.clock import SAME_SECONDS, iso
from abathur_tui.storage import journal
from abathur_tui.storage.sql import named

_SQL = named("eras")

Source = Literal["audit", "logs", "output"]

SOURCES: tuple[Source, ...] = ("audit", "logs", "output")

_NOTICED_SECONDS = 10.0
"""A clock that was set back is noticed sooner after the first row by the new time."""
_MOST_LOOKED_AT = 2000
_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Eras:
    """Per source the last rows before the clock was set back, the oldest first."""

    ends: Mapping[Source, Sequence[int]]

    def of(self, source: Source, id: int) -> int:
        """The number of the era in which a row was written."""
        return bisect_left(self.ends[source], id)


def eras(c: Connection) -> Eras | None:
    """None where the clock was never set back."""
    known = _known(c)
    return Eras({source: [ends[place] for ends in known] for place, source in enumerate(SOURCES)}) if known else None


def eras_of_ends(c: Connection, tasks: Sequence[int]) -> dict[int, int]:
    """In which era each of these tasks has ended; nothing where the clock was never set back."""
    known = eras(c)
    if known is None:
        return {}
    return {task: known.of("audit", row) for task, row in c.execute(_SQL["ends"], (json.dumps(list(tasks)),))}


def note_set_back(c: Connection, now: float) -> bool:
    """Begin an era where rows of this one stand later than `now`; whether it was so. It is told in the log."""
    known = _known(c)
    latest, ends = 0.0, []
    for place, source in enumerate(SOURCES):
        era = known[-1][place] if known else 0
        values = {"now": now, "tolerance": SAME_SECONDS, "noticed": _NOTICED_SECONDS, "era": era, "most": _MOST_LOOKED_AT}
        end, at = c.execute(_SQL[source], values).fetchone()
        ends.append(max(end, era))
        latest = max(latest, at or 0.0)
    if latest <= now + SAME_SECONDS:
        return False
    c.execute(_SQL["keep"], (json.dumps([*known, ends][-_MOST_KEPT:]),))
    journal.notice(c, "warning", f"the clock was set back: it had been {iso(latest)}, and is {iso(now)}", now)
    return True


def _known(c: Connection) -> list[list[int]]:
    """What was noted; what cannot be read says nothing: the log is in the order of its moments then, as if nobody had noted anything."""
    found = c.execute(_SQL["known"]).fetchone()
    try:
        known = [] if found is None else json.loads(found[0])
    except (ValueError, RecursionError):
        return []
    return known if isinstance(known, list) and all(_is_note(ends) for ends in known) else []


def _is_note(ends: object) -> bool:
    return isinstance(ends, list) and len(ends) == len(SOURCES) and all(isinstance(end, int) for end in ends)
