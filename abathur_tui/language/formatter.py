"""The formatter: one way to write a document, whatever its author's, with every comment kept.

What fits on a line stays on one; else each argument, item or entry has a line of its own. Formatting the result again changes nothing.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from abathur_tui.language.parser import MAX_BYTES, parse
from abathur_tui.language.tree import Argument, Array, Call, Command, Comment, Document, Entry, Object, Statement, Value

WIDTH = 100
_INDENT = 2
_BLANK_LINE = re.compile(r"\n[ \t\r\f]*\n")
_SAME_LINE = re.compile(r"[ \t,]*")
_PLAIN_SINGLE = re.compile(r"'[^'\"\\\n]*+'(?!')")


def format(text: str, *, max_bytes: int = MAX_BYTES) -> str:
    """The document as it should be written. Raises `DocumentInvalid` where its syntax has mistakes."""
    return _Printer(parse(text, max_bytes=max_bytes)).printed()


class _Printer:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._text = document.text
        self._comments = document.comments
        self._starts = [comment.start for comment in document.comments]
        self._next = 0

    def printed(self) -> str:
        lines: list[str] = []
        end = 0
        for statement in self._document.statements:
            for comment in self._before(statement.start):
                self._add(lines, comment.text, end, comment.start)
                end = comment.end
            text, inside, behind = self._item(statement, 0)
            for comment in inside:
                self._add(lines, comment.text, end, statement.start)
                end = statement.start
            self._add(lines, text + behind, end, statement.start)
            end = self._comments[self._next - 1].end if behind else statement.end
        for comment in self._before(len(self._text)):
            self._add(lines, comment.text, end, comment.start)
            end = comment.end
        return "\n".join([*lines, ""]) if lines else ""

    def _add(self, lines: list[str], text: str, end: int, start: int) -> None:
        """A line; an empty one before it where there was one (or more) between what ended at `end` and what starts at `start`."""
        if lines and _BLANK_LINE.search(self._text, end, start):
            lines.append("")
        lines.append(text)

    # Items: statements, arguments, values of arrays, entries of objects

    def _item(self, item: "_Item", indent: int, comma: str = "") -> tuple[str, list[Comment], str]:
        """The item, comments from odd places inside it, and the comment behind it on its line."""
        prefix, value = self._parts(item)
        text = prefix + self._value(value, indent, len(prefix) + len(comma)) + comma
        inside = self._before(value.end)
        behind = self._behind(value.end)
        return text, inside, f"  {behind.text}" if behind else ""

    def _items(self, items: Sequence["_Item"], indent: int, end: int) -> str:
        """Items on lines of their own, with the comments between them, up to the closing bracket at `end`."""
        pad = " " * (indent + _INDENT)
        lines: list[str] = []
        for item in items:
            lines += [pad + comment.text for comment in self._before(item.start)]
            text, inside, behind = self._item(item, indent + _INDENT, ",")
            lines += [pad + comment.text for comment in inside]
            lines.append(pad + text + behind)
        lines += [pad + comment.text for comment in self._before(end)]
        return "".join(f"{line}\n" for line in lines) + " " * indent

    def _value(self, value: Value, indent: int, taken: int) -> str:
        """The value, on one line where it fits; `taken`: what stands on its first line besides."""
        flat = self._flat(value, WIDTH - indent - taken)
        if flat is not None:
            return flat
        match value:
            case Array(items=items):
                return "[\n" + self._items(items, indent, value.end - 1) + "]"
            case Object(entries=entries):
                return "{\n" + self._items(entries, indent, value.end - 1) + "}"
            case Command(arguments=arguments) | Call(arguments=arguments):
                return self._arguments(_head(value), arguments, indent, value.end - 1)
            case _:
                return self._literal(value)

    def _arguments(self, head: str, arguments: Sequence[Argument], indent: int, end: int) -> str:
        last = arguments[-1].value if arguments else None
        if isinstance(last, Object) and arguments[-1].name is None and last.entries:
            first = self._document_start(arguments)
            quiet = not self._has_comment(first, last.start) and not self._has_comment(last.end, end)
            before = self._flat_items(arguments[:-1], WIDTH - indent - len(head) - 4) if quiet else None
            if before is not None:
                opening = f"{head}({before}, {{" if before else f"{head}({{"
                return f"{opening}\n" + self._items(last.entries, indent, last.end - 1) + "})"
        return f"{head}(\n" + self._items(arguments, indent, end) + ")"

    def _document_start(self, arguments: Sequence[Argument]) -> int:
        """Where comments that are still to be printed could begin before these arguments."""
        return self._starts[self._next] if self._next < len(self._starts) else arguments[0].start

    # On one line

    def _flat(self, value: Value, room: int) -> str | None:
        """The value on one line; None where it is longer than `room`, or has line breaks or comments in it."""
        match value:
            case Array(items=items):
                return None if self._has_comment(value.start, value.end) else self._enclosed("[", items, "]", room)
            case Object(entries=entries):
                return None if self._has_comment(value.start, value.end) else self._enclosed("{", entries, "}", room)
            case Command(arguments=arguments) | Call(arguments=arguments):
                return None if self._has_comment(value.start, value.end) else self._enclosed(_head(value) + "(", arguments, ")", room)
            case _:
                text = self._literal(value)
                return text if len(text) <= room and "\n" not in text else None

    def _enclosed(self, opening: str, items: Sequence["_Item"], closing: str, room: int) -> str | None:
        inner = self._flat_items(items, room - len(opening) - len(closing))
        return None if inner is None else opening + inner + closing

    def _flat_items(self, items: Sequence["_Item"], room: int) -> str | None:
        parts: list[str] = []
        left = room + 2
        for item in items:
            prefix, value = self._parts(item)
            text = self._flat(value, left - len(prefix) - 2)
            if text is None:
                return None
            parts.append(prefix + text)
            left -= len(parts[-1]) + 2
        return ", ".join(parts) if left >= 0 else None

    def _literal(self, value: Value) -> str:
        return self._quoted(self._text[value.start : value.end].replace("\r\n", "\n"))

    def _quoted(self, text: str) -> str:
        """Single quotes as double ones, where nothing in the text speaks against it."""
        return f'"{text[1:-1]}"' if _PLAIN_SINGLE.fullmatch(text) else text

    def _parts(self, item: "_Item") -> tuple[str, Value]:
        """What stands before an item's value, and the value."""
        match item:
            case Statement(name=name, command=command):
                return (f"{name} = " if name else ""), command
            case Argument(name=name, value=value):
                return (f"{name}=" if name else ""), value
            case Entry(value=value):
                return f"{self._quoted(self._text[item.start : item.end])}: ", value
            case _:
                return "", item

    # Comments

    def _before(self, offset: int) -> list[Comment]:
        """The comments that start before the offset and have not been printed."""
        end = bisect_left(self._starts, offset, self._next)
        found = list(self._comments[self._next : end])
        self._next = max(self._next, end)
        return found

    def _behind(self, offset: int) -> Comment | None:
        """The comment on the line of what ends at the offset, if nothing else stands between."""
        if self._next == len(self._comments):
            return None
        comment = self._comments[self._next]
        if not _SAME_LINE.fullmatch(self._text, offset, comment.start):
            return None
        self._next += 1
        return comment

    def _has_comment(self, start: int, end: int) -> bool:
        place = bisect_left(self._starts, start)
        return place < len(self._starts) and self._starts[place] < end


_Item = Statement | Argument | Entry | Value


def _head(value: Command | Call) -> str:
    if isinstance(value, Call):
        return value.function
    return f"ABYSSAL[{value.template}{'@' + value.version if value.version else ''}]"
