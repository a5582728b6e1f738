"""Files in a result: a fenced block each, with the path in the line above it or behind the fence's language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from abathur_tui.engine.joins.fences import fenced_in, lines_of

_PATH = re.compile(r"(?:[A-Za-z0-9_.@+-]+/)*[A-Za-z0-9_.@+-]+")
_WITHOUT_SUFFIX = frozenset(
    {"Makefile", "Dockerfile", "Containerfile", "LICENSE", "README", "CHANGELOG", "Justfile", "Procfile", "Gemfile", "Rakefile"}
)
"""Names of files that need no suffix to be taken for one."""
_IN_INFO = re.compile(r"""(?:^|\s)(?:title|path|file|filename|name)\s*=\s*["']?([^\s"'}]+)""")
_TICKED = re.compile(r"`([^`]+)`")
_LONGEST_LINE = 300
"""A line that names a file is no longer than this."""


@dataclass(frozen=True, slots=True)
class FileBlock:
    """A file as a member wrote it."""

    path: str
    """Relative, with `/`, no `..`."""
    language: str
    text: str
    """With a line's end at its end, unless it is empty."""


def files_in(text: str) -> dict[str, FileBlock]:
    """The files in a text, by path; of two with the same path the later one."""
    return _split(text)[0]


def without_files(text: str) -> str:
    """The text but for its files."""
    return _split(text)[1]


def shown(block: FileBlock) -> str:
    """The file as `files_in` finds it again."""
    longest = max((len(found[0]) for found in re.finditer(r"`{3,}", block.text)), default=2)
    fence = "`" * (longest + 1)
    return f"### `{block.path}`\n\n{fence}{block.language}\n{block.text}{fence}"


def _split(text: str) -> tuple[dict[str, FileBlock], str]:
    files: dict[str, FileBlock] = {}
    lines = lines_of(text)
    taken: set[int] = set()
    for block in fenced_in(text):
        path = _path_of(block.info, block.above)
        if path is not None:
            body = block.text
            files[path] = FileBlock(path, _language(block.info), body if not body or body.endswith("\n") else body + "\n")
            taken.update(block.lines)
    return files, "".join(line for number, line in enumerate(lines) if number not in taken)


def _language(info: str) -> str:
    first = info.split(maxsplit=1)[0] if info.split() else ""
    language = first.partition(":")[0]
    return language if re.fullmatch(r"[A-Za-z0-9_+#-]{1,30}", language) else ""


def _path_of(info: str, before: Sequence[str]) -> str | None:
    """The path that stands behind the fence, or alone in the last line above it (an empty one between them does not matter)."""
    if (named := _IN_INFO.search(info[:_LONGEST_LINE])) is not None:
        return _as_path(named[1])
    for word in info[:_LONGEST_LINE].replace(":", " ").split()[:2]:
        if "/" in word or info.count(":") == 1 or word != info.split()[0]:
            path = _as_path(word)
            if path is not None:
                return path
    above = [line.strip() for line in before if line.strip()]
    return _path_in_line(above[-1]) if above else None


def _path_in_line(line: str) -> str | None:
    if len(line) > _LONGEST_LINE:
        return None
    ticked = [path for found in _TICKED.findall(line) if (path := _as_path(found)) is not None]
    if len(ticked) == 1:
        return ticked[0]
    plain = re.sub(r"^(?:#{1,6}\s+|[-*+]\s+|\d+[.)]\s+)", "", line).strip("*_` ").rstrip(":").strip("*_` ")
    plain = re.sub(r"^(?:file|path)\s*:\s*", "", plain, flags=re.IGNORECASE)
    return _as_path(re.sub(r"\s*\([^()]*\)$", "", plain))


def _as_path(word: str) -> str | None:
    path = word.strip().removeprefix("./")
    if not _PATH.fullmatch(path) or any(part in ("", ".", "..") for part in path.split("/")):
        return None
    name = path.rsplit("/", 1)[-1]
    has_suffix = "." in name.strip(".") and not re.fullmatch(r"[0-9.]+", name)
    return path if "/" in path or has_suffix or name in _WITHOUT_SUFFIX or (name.startswith(".") and len(name) > 1) else None
