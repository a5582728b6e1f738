"""The tool `grep`: where a regular expression fits in the project's files."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from abathur_tui.domain.conversation import ToolDefinition, ToolOutcome
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.errors import CommandFailed
from abathur_tui.processes import Children, Lines, Stream
from abathur_tui.tools import arguments
from abathur_tui.tools.project_files import ProjectFiles, Refused, outcome_of

SECONDS = 10.0
"""How long a search may take; what it found by then is shown."""
MOST_MATCHES = 200
MOST_MATCHES_OF_FILE = 50
MOST_PATTERN_CHARACTERS = 1_000
_GRACE_SECONDS = 10.0
"""The search ends itself; only after so much more, of which its start takes a part, is it ended."""

_PROGRAM = (sys.executable, "-P", "-m", "abathur_tui.tools.search")
_SEEN = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What the program sees of this one's environment: what it takes to start this Python."""


@dataclass(frozen=True, slots=True)
class Grep:
    """Searches files."""

    folder: Path
    children: Children
    seconds: float = SECONDS

    @property
    def definition(self) -> ToolDefinition:
        """How the model sees it."""
        return ToolDefinition(
            "grep",
            f"Search the project's text files, line by line, for a regular expression (Python's). Gives path:line: text, at most {MOST_MATCHES} "
            f"matches, for at most {self.seconds:.0f} seconds. Links, binary files, secrets and .git are left out.",
            {
                "type": "object",
                "properties": {
                    "pattern": {"type": "string", "description": "The regular expression, such as def \\w+_total"},
                    "path": {"type": "string", "description": "File or folder to search, relative to the project's folder; all if left out"},
                    "glob": {"type": "string", "description": "Only files that fit: *.py by name, src/**/*.ts by path"},
                    "ignore_case": {"type": "boolean", "description": "Whether capitals do not matter; false if left out"},
                },
                "required": ["pattern"],
                "additionalProperties": False,
            },
        )

    async def run(self, arguments: JsonObject) -> ToolOutcome:
        """Search."""
        try:
            query = self._query(arguments)
            await asyncio.to_thread(ProjectFiles(self.folder).place, str(query["path"]))
            return await self._search(query)
        except (Refused, OSError) as error:
            return outcome_of(error)
        except CommandFailed as error:
            return ToolOutcome(f"The search could not be done: {error.message}", is_error=True, summary="could not be done")

    def _query(self, given: JsonObject) -> JsonObject:
        arguments.check_names(given, ("pattern", "path", "glob", "ignore_case"))
        pattern = arguments.text(given, "pattern")
        if len(pattern) > MOST_PATTERN_CHARACTERS:
            raise Refused(f"The pattern is longer than {MOST_PATTERN_CHARACTERS} characters.")
        return {
            "folder": str(self.folder),
            "pattern": pattern,
            "path": arguments.text(given, "path", "."),
            "glob": arguments.text(given, "glob") if given.get("glob") is not None else None,
            "ignore_case": arguments.flag(given, "ignore_case"),
            "seconds": self.seconds,
            "most": MOST_MATCHES,
            "most_of_file": MOST_MATCHES_OF_FILE,
        }

    async def _search(self, query: JsonObject) -> ToolOutcome:
        told: list[JsonObject] = []
        lines = Lines()
        environment = {name: os.environ[name] for name in _SEEN if name in os.environ}
        async with await self.children.start(_PROGRAM, cwd="/", env=environment, stdin=f"{json.dumps(query)}\n".encode()) as child:
            try:
                async with asyncio.timeout(self.seconds + _GRACE_SECONDS):
                    async for piece in child.pieces():
                        if piece.stream is Stream.OUTPUT:
                            told.extend(json.loads(line) for line in lines.take(piece.text))
            except TimeoutError:
                pass  # leaving the block ends it
        return _outcome(query, told, self.seconds)


def _outcome(query: JsonObject, told: list[JsonObject], seconds: float) -> ToolOutcome:
    end = next((fact for fact in told if "path" not in fact), None)
    if end is not None and "refused" in end:
        raise Refused(str(end["refused"]))
    matches = [f"{fact['path']}:{fact['line']}: {fact['text']}" for fact in told if "path" in fact]
    counted = _counted(len(matches), len({fact["path"] for fact in told if "path" in fact}))
    if end is None:
        head = f"{counted} so far"
        note = f"[stopped after {seconds:.0f} s, with only a part searched: narrow it by path or glob, or use a simpler pattern]"
    else:
        head = f"{counted} ({end['files']} files searched, {end['left_out']} left out)"
        note = "[cut here: narrow it by path, glob or pattern]" if end["cut"] else ""
    text = "\n".join([head, *matches, *([note] if note else [])])
    return ToolOutcome(text, is_error=end is None and not matches, summary=f"{query['pattern']} ({counted})")


def _counted(matches: int, files: int) -> str:
    if not matches:
        return "no match"
    return f"{matches} match{'es' if matches > 1 else ''} in {files} file{'s' if files > 1 else ''}"
