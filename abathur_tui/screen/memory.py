"""What the screen remembers of a project from one time to the next: how its panes share the place, and filters that were saved."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, replace
from typing import Any

import platformdirs

_LEAST, _MOST = 20, 80
"""Per cent that the first of two panes may take."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """All of it."""

    left: int = 60
    """Per cent of the width that the panes at the left take, where all four are shown."""
    upper: int = 67
    """Per cent of the height that the upper panes take, where all four are shown."""
    queue: int = 50
    """Per cent of the height that the queue takes, where the others are tabs below it."""
    filters: tuple[str, ...] = ()
    """Filters that were saved, as they were typed."""

    def resized(self, *, left: int = 0, upper: int = 0, queue: int = 0) -> "Remembered":
        """The same with shares that have grown by so much."""
        return replace(self, left=_share(self.left + left), upper=_share(self.upper + upper), queue=_share(self.queue + queue))


class Memory:
    """One file per project and user, outside the project; what cannot be read or written is as if there were nothing."""

    def __init__(self, project: str | None = None) -> None:
        """`project`: the id of its database; None: nothing outlives the screen. Reads the file, which is small."""
        self._path = None if project is None else platformdirs.user_state_path("abathur") / "screens" / f"{project}.json"
        self.known = self._read()
        """What is remembered now."""

    def write(self) -> None:
        """Keep it. Blocks."""
        if self._path is None:
            return
        other = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):  # a home that cannot be written: the screen works as well
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            other.write_text(json.dumps(asdict(self.known)), encoding="utf-8")
            other.replace(self._path)

    def _read(self) -> Remembered:
        try:
            found = json.loads(self._path.read_bytes()) if self._path is not None else None
        except (OSError, ValueError):
            found = None
        return _from(found) if isinstance(found, dict) else Remembered()


def _from(found: dict[str, Any]) -> Remembered:
    known = Remembered()
    left, upper, queue = (found[name] if isinstance(found.get(name), int) else getattr(known, name) for name in ("left", "upper", "queue"))
    filters = found.get("filters")
    texts = tuple(text for text in filters if isinstance(text, str)) if isinstance(filters, list) else ()
    return Remembered(_share(left), _share(upper), _share(queue), texts)


def _share(value: int) -> int:
    return min(max(value, _LEAST), _MOST)
