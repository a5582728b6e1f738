"""The log as lines: what agents say in pieces becomes whole lines, so that many voices stay readable."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from abathur_tui.domain.journal import LogEntry

KEPT_LINES = 5000
"""Lines that a log holds; the rest is in the database."""
_LONGEST_LINE = 4000
"""Characters after which a line without an end is taken as one."""
_LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log. Its text is foreign."""

    at: float
    kind: str
    level: int
    """0 debug, 1 info, 2 warning, 3 error."""
    text: str
    task: int | None
    agent: int | None
    first: bool = True
    """False for the lines of a speech after its first."""


@dataclass(slots=True)
class _Speech:
    """What a turn has said of a line that is not complete."""

    entry: LogEntry
    text: str = ""
    lines: int = 0


class Logbook:
    """Lines in order, the newest last, and the beginnings of lines that are still being spoken."""

    def __init__(self) -> None:
        """Empty."""
        self.lines: list[LogLine] = []
        self.dropped = 0
        """How many lines have been let go at the beginning."""
        self._speeches: dict[int, _Speech] = {}

    def add(self, entries: Iterable[LogEntry]) -> bool:
        """Take in what the journal has brought; True where anything changed."""
        changed = False
        for entry in entries:
            changed = True
            if entry.kind == "says" and entry.turn is not None:
                self._say(entry, entry.turn)
                continue
            if entry.turn is not None:
                self._end(entry.turn)
            if entry.kind == "status":
                self._end_of_task(entry.task)
            self.lines.extend(LogLine(entry.at, entry.kind, _level(entry), text, entry.task, entry.agent) for text in entry.text.split("\n"))
        if len(self.lines) > KEPT_LINES + KEPT_LINES // 5:
            surplus = len(self.lines) - KEPT_LINES
            del self.lines[:surplus]
            self.dropped += surplus
        return changed

    def speaking(self) -> Iterator[LogLine]:
        """The lines that are being spoken now, the longest open first."""
        for speech in self._speeches.values():
            if speech.text:
                yield self._line(speech, speech.text)

    def _say(self, entry: LogEntry, turn: int) -> None:
        speech = self._speeches.setdefault(turn, _Speech(entry))
        speech.entry = replace(entry, text="")
        *complete, speech.text = (speech.text + entry.text).split("\n")
        if len(speech.text) > _LONGEST_LINE:
            complete.append(speech.text)
            speech.text = ""
        for text in complete:
            if text.strip():
                self.lines.append(self._line(speech, text))
                speech.lines += 1

    def _line(self, speech: _Speech, text: str) -> LogLine:
        entry = speech.entry
        return LogLine(entry.at, "says", _level(entry), text, entry.task, entry.agent, first=speech.lines == 0)

    def _end(self, turn: int) -> None:
        speech = self._speeches.pop(turn, None)
        if speech is not None and speech.text.strip():
            self.lines.append(self._line(speech, speech.text))

    def _end_of_task(self, task: int | None) -> None:
        for turn, speech in list(self._speeches.items()):
            if speech.entry.task == task:
                self._end(turn)


def _level(entry: LogEntry) -> int:
    return _LEVELS.get(entry.level, 1)
