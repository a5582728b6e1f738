"""The engine's own log: JSON lines in `.abathur/logs`, a file a day and another one at 100 MB, kept for 30 days; nothing on the terminal."""

import contextlib
import json
import os
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

from abathur_tui.domain.clock import Clock, iso

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
_RANK: dict[Level, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}

MOST_BYTES = 100 * 1024 * 1024
"""Of one file; then the next one of that day begins."""
KEPT_DAYS = 30


class EngineLog:
    """Writes events as JSON lines; a line that cannot be written is lost, never the work."""

    def __init__(self, folder: Path, level: Level, clock: Clock, engine: str = "") -> None:
        """`folder`: where the files `engine-YYYY-MM-DD.jsonl` go, and `engine-YYYY-MM-DD.1.jsonl` once one is full.

        `level`: the least serious kind that is written.
        """
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self.level = level
        self._clock = clock
        self._engine = engine
        self._day = ""
        self._part = 0
        self.unwritten = 0
        """Lines that could not be written."""

    def debug(self, event: str, message: str, **ids: str | int | float | None) -> None:
        """Something that helps to find a mistake."""
        self._write("debug", event, message, ids)

    def info(self, event: str, message: str, **ids: str | int | float | None) -> None:
        """Something that happened as it should."""
        self._write("info", event, message, ids)

    def warning(self, event: str, message: str, **ids: str | int | float | None) -> None:
        """Something that a person may want to know."""
        self._write("warning", event, message, ids)

    def error(self, event: str, message: str, **ids: str | int | float | None) -> None:
        """Something that a person must look at."""
        self._write("error", event, message, ids)

    def broke(self, event: str, error: Exception, **ids: str | int | float | None) -> None:
        """An error that nobody has foreseen, with its trace: a person must look at it."""
        self._write("error", event, repr(error), ids | {"trace": "".join(traceback.format_exception(error))})

    def _write(self, level: Level, event: str, message: str, ids: dict[str, str | int | float | None]) -> None:
        if _RANK[level] < _RANK[self.level]:
            return
        now = self._clock.now()
        line = {"timestamp": iso(now), "level": level, "component": "engine", "event": event, "engine": self._engine, **ids, "message": message}
        try:
            file = self._open(now)
            try:
                os.write(file, json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            finally:
                os.close(file)
        except OSError:
            self.unwritten += 1

    def _open(self, now: float) -> int:
        """Today's file, or its next part: opened for each line, so that a folder that was removed and came back is found again. Raises OSError."""
        day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
        if day != self._day:
            self._day, self._part = day, 0
            drop_old(self._folder, now)
        while True:
            name = f"engine-{day}.{self._part}.jsonl" if self._part else f"engine-{day}.jsonl"
            file = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            if os.fstat(file).st_size < MOST_BYTES:
                return file
            os.close(file)
            self._part += 1


def drop_old(folder: Path, now: float) -> None:
    """Take the log's files of more than `KEPT_DAYS` ago away, by the day in their names."""
    oldest = (datetime.fromtimestamp(now, UTC) - timedelta(days=KEPT_DAYS)).strftime("%Y-%m-%d")
    for path in folder.glob("engine-????-??-??*.jsonl"):
        if path.name[7:17] < oldest:
            with contextlib.suppress(OSError):
                path.unlink()
