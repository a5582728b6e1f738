"""Results in prose: put under the commands that they are of, marked so that the next ones take their place, and found again.

A result stands below the block that its command is in (a paragraph, a list item, a fenced block, a comment), never inside of one, as far in as
the list item that this is part of, and in a fence of its own, so that nothing in it is Markdown, or a command.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from abathur_tui.domain.safe_text import safe, safe_line

_BEGIN, _END = "<!-- abathur:result", "<!-- abathur:end -->"
_LINE = re.compile(r"[^\n]*+\n|[^\n]++\Z")
_VISIBLE = re.compile(r"[^\r\n]")
_OPENING = re.compile(r"[ \t>]*+(?:(?:[-*+]|[0-9]{1,9}[.)])[ \t]++)*+(`{3,}+(?=[^`]*+\Z)|~{3,}+)")
_CLOSING = re.compile(r"[ \t>]*+(`{3,}+|~{3,}+)[ \t]*+\Z")
_NEW_BLOCK = re.compile(r"[ \t>]*+(?:#{1,6}[ \t]|(?:[-*+]|[0-9]{1,9}[.)])[ \t])")
_ITEM = re.compile(r"[ \t]*+(?:[-*+]|[0-9]{1,9}[.)])[ \t]++(?=\S)")
_COMMENT = re.compile(r"[ \t>]*+<!--")
_FENCES = re.compile(r"`{3,}")
_LONGEST_CODE = 200
"""How far before a comment on its line a backtick counts that makes code of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A result, to stand under a command."""

    command: int
    """The offset of the command's end in the text."""
    head: str
    """What the mark says, such as `x12 completed`."""
    body: str


class UnclosedFence(Exception):
    """A command stands in a fenced block, or comment, that has no end, so that nothing can stand below it; `line` is where that begins."""

    def __init__(self, line: int) -> None:
        super().__init__(f"the fenced block (or comment) that begins on line {line} is never closed")
        self.line = line


def without_results(text: str) -> str:
    """The text with all marked results blanked out; every place stays what it is."""
    if _BEGIN not in text:
        return text
    lines = _Lines(text)
    return "".join(_VISIBLE.sub(" ", line) if index in lines.results else line for index, line in enumerate(lines.lines))


class Comments:
    """The HTML comments of a text, which nobody sees who reads it as Markdown: not those in a fenced block or between backticks, which are seen."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = _Lines(text) if "<!--" in text else None
        self._next = self._find(0)

    def end_around(self, offset: int, since: int) -> int | None:
        """Where the comment ends that this offset is in; None where it is in none that begins at `since` or later. Both only ever grow."""
        while self._next is not None and (self._next[0] < since or self._next[1] <= offset):
            self._next = self._find(since if self._next[0] < since else self._next[1])
        return self._next[1] if self._next is not None and self._next[0] < offset else None

    def _find(self, since: int) -> tuple[int, int] | None:
        start = self._text.find("<!--", since) if self._lines is not None else -1
        while start >= 0 and self._is_code(start):
            start = self._text.find("<!--", start + 1)
        end = self._text.find("-->", start) if start >= 0 else -1
        return (start, end + 3) if end >= 0 else None

    def _is_code(self, start: int) -> bool:
        near = max(0, start - _LONGEST_CODE)
        in_backticks = self._text.count("`", self._text.rfind("\n", near, start) + 1 or near, start) % 2 == 1
        return in_backticks or (self._lines is not None and self._lines.line_of(start + 1) in self._lines.fenced)


def with_results(text: str, results: Sequence[Told]) -> str:
    """The text with these results instead of all that were marked in it. Raises UnclosedFence."""
    lines = _Lines(text)
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    below: dict[int, list[str]] = {}
    for told in results:
        line = lines.line_of(told.command)
        below.setdefault(lines.end_of_block(line), []).append(_marked(told, newline, " " * lines.indent(line)))
    out: list[str] = []
    ours = -1
    """How many pieces there were behind the last result."""
    for index, line in enumerate(lines.lines):
        if index in lines.results:
            if index - 1 not in lines.results and out and not out[-1].strip():
                out.pop()  # the empty line that came with it
            continue
        if len(out) == ours and line.strip():
            out.append(newline)
        out.append(line)
        for section in below.get(index, ()):
            if not out[-1].endswith("\n"):
                out[-1] += newline
            out += [newline, section]
            ours = len(out)
    return "".join(out)


def _marked(told: Told, newline: str, indent: str) -> str:
    body = safe(told.body.replace("\r\n", "\n")).rstrip("\n")
    fence = "`" * max(3, 1 + max((len(found[0]) for found in _FENCES.finditer(body)), default=0))
    head = safe_line(told.head).replace("--", "- -")
    lines = (f"{_BEGIN} {head} -->", f"{fence}text", *body.split("\n"), fence, _END)
    return "".join(f"{indent if line else ''}{line}{newline}" for line in lines)


class _Lines:
    """A text's lines, with the blocks among them that hold anything: fences, comments, marked results."""

    def __init__(self, text: str) -> None:
        self.lines = _LINE.findall(text)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))
        self.results: set[int] = set()
        """Lines of marked results."""
        self.fenced: set[int] = set()
        """Lines of fenced blocks."""
        self._last: dict[int, int] = {}
        """Line of a block to its last line."""
        self._first: dict[int, int] = {}
        """Line of a block to its first line."""
        self._indents = list(self._list_indents())
        self._paragraphs: dict[int, int] = {}
        """The same for lines that were asked for, of blocks that are only text."""
        self._unclosed: int | None = None
        """The line of the fence or comment that has no end."""
        self._read()

    def line_of(self, offset: int) -> int:
        """The line that the character before the offset is in."""
        return bisect_left(self._starts, offset) - 1

    def indent(self, line: int) -> int:
        """How far in the text of the list item stands that the block of this line is part of; 0 where it is in none."""
        return self._indents[self._first.get(line, line)]

    def _list_indents(self) -> Iterator[int]:
        open_items: list[int] = []
        for line in self.lines:
            text = line.lstrip(" \t")
            while text.strip() and open_items and len(line) - len(text) < open_items[-1]:
                open_items.pop()
            if (item := _ITEM.match(line)) is not None:
                open_items.append(len(item[0]))
            yield open_items[-1] if open_items else 0

    def end_of_block(self, line: int) -> int:
        """The last line of the block that the line is in. Raises UnclosedFence."""
        if self._unclosed is not None and line >= self._unclosed:
            raise UnclosedFence(self._unclosed + 1)
        if line in self._last:
            return self._last[line]
        walked: list[int] = []
        while line not in self._paragraphs:
            walked.append(line)
            if line + 1 == len(self.lines) or line + 1 in self._last or self._begins(line + 1):
                self._paragraphs[line] = line
            else:
                line += 1
        end = self._paragraphs[line]
        self._paragraphs.update(dict.fromkeys(walked, end))
        return end

    def _begins(self, line: int) -> bool:
        """Whether another block begins on the line."""
        if line in self.results or line == self._unclosed:
            return True
        return not self.lines[line].strip() or _NEW_BLOCK.match(self.lines[line]) is not None

    def _read(self) -> None:
        index = 0
        ends = self._closing_fences()
        while index < len(self.lines):
            line = self.lines[index].rstrip("\r\n")
            if line.strip().startswith(_BEGIN) and (end := self._result_end(index, ends)) is not None:
                self.results.update(range(index, end + 1))
                index = end + 1
            elif (fence := _OPENING.match(line)) is not None:
                end = self._fence_end(index, fence[1], ends)
                if end is None:
                    self._unclosed = index
                    self.fenced.update(range(index, len(self.lines)))
                    return
                self.fenced.update(range(index, end + 1))
                index = self._hold(index, end)
            elif _COMMENT.match(line) and "-->" not in line:
                end = next((later for later in range(index + 1, len(self.lines)) if "-->" in self.lines[later]), None)
                if end is None:
                    self._unclosed = index
                    return
                index = self._hold(index, end)
            else:
                index += 1

    def _hold(self, first: int, last: int) -> int:
        self._last.update(dict.fromkeys(range(first, last + 1), last))
        self._first.update(dict.fromkeys(range(first, last + 1), first))
        return last + 1

    def _closing_fences(self) -> list[tuple[int, str]]:
        found = ((index, _CLOSING.match(line.rstrip("\r\n"))) for index, line in enumerate(self.lines))
        return [(index, fence[1]) for index, fence in found if fence is not None]

    def _fence_end(self, line: int, opening: str, ends: Sequence[tuple[int, str]]) -> int | None:
        for place in range(bisect_right(ends, line, key=lambda end: end[0]), len(ends)):
            index, mark = ends[place]
            if mark[0] == opening[0] and len(mark) >= len(opening):
                return index
        return None

    def _result_end(self, line: int, ends: Sequence[tuple[int, str]]) -> int | None:
        """The last line of the marked result that begins there; None where it is not whole."""
        fence = _OPENING.match(self.lines[line + 1].rstrip("\r\n")) if line + 1 < len(self.lines) else None
        end = self._fence_end(line + 1, fence[1], ends) if fence else None
        return end + 1 if end is not None and end + 1 < len(self.lines) and self.lines[end + 1].strip() == _END else None
