"""Files in a result: a fenced block each, with the path in the line above it or behind the fence's language."""

import re
from dataclasses import dataclass

_OPENING = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(.*)")
_PATH = re.compile(r"(?:[A-Za-z0-9_.@+-]+/)*[A-Za-z0-9_.@+-]+")
_WITHOUT_SUFFIX = frozenset(
    {"Makefile", "Dockerfile", "Containerfile", "LICENSE", "README", "CHANGELOG", "Justfile", "Procfile", "Gemfile", "Rakefile"}
)
"""Names of files that need no suffix to be taken for one."""
_IN_INFO = re.compile(r"""(?:^|\s)(?:title|path|file|filename|name)\s*=\s*["']?([^\s"'}]+)""")
_TICKED = re.compile(r"`([^`]+)`")


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
    rest: list[str] = []
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    place = 0
    while place < len(lines):
        opening = _OPENING.fullmatch(lines[place].rstrip("\r\n"))
        if opening is None:
            rest.append(lines[place])
            place += 1
            continue
        end = _closing(lines, place + 1, opening[1])
        path = _path_of(opening[2], lines[max(place - 2, 0) : place])
        if path is None:
            rest.extend(lines[place : end + 1])
        else:
            body = "".join(lines[place + 1 : end])
            files[path] = FileBlock(path, _language(opening[2]), body if not body or body.endswith("\n") else body + "\n")
        place = end + 1
    return files, "".join(rest)


def _closing(lines: list[str], start: int, fence: str) -> int:
    """The line that closes the fence; behind the last one where none does."""
    for place in range(start, len(lines)):
        line = lines[place].strip()
        if len(line) >= len(fence) and set(line) == {fence[0]} and not lines[place].startswith("    "):
            return place
    return len(lines)


def _language(info: str) -> str:
    first = info.split(maxsplit=1)[0] if info.split() else ""
    language = first.partition(":")[0]
    return language if re.fullmatch(r"[A-Za-z0-9_+#-]{1,30}", language) else ""


def _path_of(info: str, before: list[str]) -> str | None:
    """The path that stands behind the fence, or alone in the last line above it (an empty one between them does not matter)."""
    if (named := _IN_INFO.search(info)) is not None:
        return _as_path(named[1])
    for word in info.replace(":", " ").split()[:2]:
        if "/" in word or info.count(":") == 1 or word != info.split()[0]:
            path = _as_path(word)
            if path is not None:
                return path
    above = [line.strip() for line in before if line.strip()]
    return _path_in_line(above[-1]) if above else None


def _path_in_line(line: str) -> str | None:
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
