"""The tool `list_folder`: what is in a folder of the project."""

import asyncio
import os
import stat
from dataclasses import dataclass, field

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.protected import protection
from abathur_tui.tools import arguments
from abathur_tui.tools.project_files import ProjectFiles, Refused, outcome_of

MOST_ENTRIES = 500
MOST_DEPTH = 5
_MOST_READ = 20_000
"""So many entries of one folder are looked at; they are sorted, so all have to be known."""
_NOT_ENTERED = (".git", ".abathur")


@dataclass(frozen=True, slots=True)
class ListFolder:
    """Lists a folder."""

    files: ProjectFiles

    @property
    def definition(self) -> ToolDefinition:
        """How the model sees it."""
        return ToolDefinition(
            "list_folder",
            f"List a folder of the project: folders first, files with their size; at most {MOST_ENTRIES} entries. Links are shown, not followed.",
            {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Path relative to the project's folder; the project itself if left out"},
                    "depth": {"type": "integer", "minimum": 1, "maximum": MOST_DEPTH, "description": "Levels to show; 1 if left out"},
                },
                "additionalProperties": False,
            },
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """List it."""
        try:
            return await asyncio.to_thread(self._list, arguments)
        except (Refused, OSError) as error:
            return outcome_of(error)

    def _list(self, given: JsonObject) -> ToolOutcome:
        arguments.check_names(given, ("path", "depth"))
        path = arguments.text(given, "path", ".")
        depth = arguments.number(given, "depth", 1, least=1, most=MOST_DEPTH)
        with self.files.folder(path) as (place, descriptor):
            listing = _Listing()
            listing.add(descriptor, place.real, depth, "")
        count = f"{len(listing.lines)} entries" if len(listing.lines) != 1 else "1 entry"
        head = f"{place.name}/ ({count}{', not all' if listing.cut else ''})"
        note = "\n[cut here: list a folder further down]" if listing.cut else ""
        return ToolOutcome("\n".join([head, *listing.lines]) + note, summary=head)


@dataclass
class _Listing:
    lines: list[str] = field(default_factory=list)
    cut: bool = False

    def add(self, descriptor: int, parts: tuple[str, ...], depth: int, indent: str) -> None:
        """Add the entries of an open folder, and of the folders in it down to `depth`."""
        for name, status in self._entries(descriptor):
            if len(self.lines) >= MOST_ENTRIES:
                self.cut = True
                return
            inner = (*parts, name)
            secret = protection(inner) is not None
            self.lines.append(indent + _line(name, status, secret))
            if stat.S_ISDIR(status.st_mode) and depth > 1 and not secret and name not in _NOT_ENTERED:
                self._enter(descriptor, inner, depth - 1, indent + "  ")

    def _enter(self, parent: int, parts: tuple[str, ...], depth: int, indent: str) -> None:
        try:
            descriptor = os.open(parts[-1], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        except OSError:
            return  # its line is there already; what is in it cannot be read
        try:
            self.add(descriptor, parts, depth, indent)
        finally:
            os.close(descriptor)

    def _entries(self, descriptor: int) -> list[tuple[str, os.stat_result]]:
        found: list[tuple[str, os.stat_result]] = []
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    if len(found) >= _MOST_READ:
                        self.cut = True
                        break
                    try:
                        found.append((entry.name, entry.stat(follow_symlinks=False)))
                    except OSError:
                        continue  # gone in the meantime
        except OSError:
            return []
        return sorted(found, key=lambda item: (not stat.S_ISDIR(item[1].st_mode), item[0]))


def _line(name: str, status: os.stat_result, secret: bool) -> str:
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
    if secret:
        return f"{shown}{'/' if stat.S_ISDIR(status.st_mode) else ''} (protected)"
    if stat.S_ISDIR(status.st_mode):
        return f"{shown}/"
    if stat.S_ISLNK(status.st_mode):
        return f"{shown} (link)"
    if stat.S_ISREG(status.st_mode):
        return f"{shown} ({status.st_size:,} bytes)"
    return f"{shown} (no plain file)"
