"""The tool `read_file`: a text file of the project, with line numbers."""

import asyncio
from dataclasses import dataclass
from itertools import islice

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.protected import holds_private_key
from abathur_tui.tools import arguments
from abathur_tui.tools.project_files import ProjectFiles, Refused, outcome_of

MOST_LINES = 2_000
MOST_CHARACTERS = 60_000
MOST_LINE_CHARACTERS = 2_000
MOST_BYTES = 32 * 1024 * 1024
"""A larger file is no source; grep finds places in it."""
_BINARY_BYTES = 8_192
"""A NUL among the first bytes makes a file binary."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Reads a file."""

    files: ProjectFiles

    @property
    def definition(self) -> ToolDefinition:
        """How the model sees it."""
        return ToolDefinition(
            "read_file",
            f"Read a text file of the project. Gives numbered lines, at most {MOST_LINES} lines or {MOST_CHARACTERS} characters a call; for more, "
            "call again with start_line. Secrets, keys and binary files are not shown.",
            {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Path relative to the project's folder, such as src/main.py"},
                    "start_line": {"type": "integer", "minimum": 1, "description": "First line wanted; 1 if left out"},
                    "end_line": {"type": "integer", "minimum": 1, "description": "Last line wanted; the last one if left out"},
                },
                "required": ["path"],
                "additionalProperties": False,
            },
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Read it."""
        try:
            return await asyncio.to_thread(self._read, arguments)
        except (Refused, OSError) as error:
            return outcome_of(error)

    def _read(self, given: JsonObject) -> ToolOutcome:
        arguments.check_names(given, ("path", "start_line", "end_line"))
        path = arguments.text(given, "path")
        start = arguments.number(given, "start_line", 1, least=1)
        end = arguments.number(given, "end_line", 0, least=1)
        if end and end < start:
            raise Refused(f"end_line ({end}) lies before start_line ({start}).")
        with self.files.file(path) as (place, file):
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise Refused(f"{place.name} is larger than {MOST_BYTES // 1024 // 1024} MB: look for places in it with grep.")
        if b"\0" in data[:_BINARY_BYTES]:
            raise Refused(f"{place.name} is a binary file ({len(data):,} bytes).")
        if holds_private_key(data):
            raise Refused(f"{place.name} is protected (it holds a private key): the reading tools do not show it.")
        return _shown(place.name, data, start, end)


def _shown(name: str, data: bytes, start: int, end: int) -> ToolOutcome:
    lines = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if not lines:
        return ToolOutcome(f"{name} is empty.", summary=f"{name} (empty)")
    if start > len(lines):
        raise Refused(f"{name} has {len(lines)} lines; start_line {start} is beyond its end.")
    last = min(end or len(lines), len(lines))
    shown: list[str] = []
    size = 0
    for number, line in enumerate(islice(lines, start - 1, last), start):
        text = line.removesuffix("\r")
        if len(text) > MOST_LINE_CHARACTERS:
            text = f"{text[:MOST_LINE_CHARACTERS]} [… {len(text) - MOST_LINE_CHARACTERS:,} more characters in this line]"
        size += len(text) + 8
        if len(shown) == MOST_LINES or (size > MOST_CHARACTERS and shown):
            break
        shown.append(f"{number:>6}\t{text}")
    reached = start + len(shown) - 1
    if start == 1 and reached == len(lines):
        head, note = f"{name} ({reached} lines)", ""
    else:
        head = f"{name} (lines {start} to {reached} of {len(lines)})"
        note = f"\n[cut here: go on with start_line={reached + 1}]" if reached < last else ""
    return ToolOutcome(f"{head}\n" + "\n".join(shown) + note, summary=head)
