"""The front matter of a Markdown file: as much of YAML as people write there, read leniently as Claude Code reads it.

A value is a text or a list of texts. Known forms: plain and quoted texts (a plain text may hold `: ` and may go on in indented lines), `|` and `>`
blocks, `- item` and `[a, b]` lists. A table inside a table (hooks, servers) is passed over whole.
"""

import json
import re
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = str | tuple[str, ...]

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*:(?:[ \t]+(.*)|)$")
_ITEM = re.compile(r"[ \t]*-(?:[ \t]+(.*)|)$")
_BLOCK = re.compile(r"([|>])[+-]?[1-9]?[+-]?(?:\s+#.*)?")
_COMMENT = re.compile(r"(?:^|\s)#.*$")


class FrontMatterBroken(ValueError):
    """The text is no front matter; the message says what is wrong, and `line` where."""

    def __init__(self, message: str, line: int) -> None:
        """`line` counts from 1 in the file."""
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class MarkdownFile:
    """A Markdown text and the values that stand before it."""

    values: dict[str, Value]
    body: str


def read_markdown(text: str) -> MarkdownFile:
    """The values between the two `---` lines, and what follows them. Raises FrontMatterBroken."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        raise FrontMatterBroken("it does not begin with a line `---` and front matter", 1)
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        raise FrontMatterBroken("its front matter has no closing line `---`", 1)
    return MarkdownFile(_values(lines[1:end]), "\n".join(lines[end + 1 :]).strip())


def _values(lines: list[str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        if not line.strip() or line.lstrip().startswith("#"):
            number += 1
            continue
        key = _KEY.match(line)
        if key is None:
            raise FrontMatterBroken(f"this is no `name: value`: {line.strip()[:60]}", number + 2)
        inner = _inner(lines, number + 1)
        value = _value((key[2] or "").strip(), inner, number + 2)
        if value is not None:
            values[key[1]] = value
        number += 1 + len(inner)
    return values


def _inner(lines: list[str], start: int) -> list[str]:
    """The lines that belong to the key before them: indented or empty ones, and list items."""
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t" or _ITEM.match(lines[end])):
        end += 1
    return lines[start:end]


def _value(first: str, inner: list[str], line: int) -> Value | None:
    """The value of a key; None for a table, which is passed over."""
    if block := _BLOCK.fullmatch(first):
        return _block(inner, folded=block[1] == ">")
    if first.startswith(("[", '"', "'")):
        whole = " ".join([first, *(part.strip() for part in inner if part.strip())])
        return _flow_list(whole, line) if whole.startswith("[") else _quoted(whole, line)
    plain = _COMMENT.sub("", first).strip()
    below = next((part for part in inner if part.strip() and not part.lstrip().startswith("#")), "")
    if not plain and _ITEM.match(below):
        return tuple(_scalar(item[1] or "", line) for part in inner if (item := _ITEM.match(part)))
    if not plain and _KEY.match(below.strip()):
        return None
    return " ".join([plain, *(part.strip() for part in inner if part.strip())]).strip()


def _block(lines: list[str], *, folded: bool) -> str:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = "\n".join(line[margin:].rstrip() for line in lines).strip("\n")
    return re.sub(r"(?<=\S)\n(?=\S)", " ", text) if folded else text


def _quoted(text: str, line: int) -> str:
    quote = text[0]
    end = re.compile(r'"((?:[^"\\]|\\.)*)"' if quote == '"' else r"'((?:[^']|'')*)'").match(text)
    if end is None:
        raise FrontMatterBroken(f"the quote {quote} is never closed", line)
    if quote == "'":
        return end[1].replace("''", "'")
    try:
        return str(json.loads(f'"{end[1]}"'))
    except ValueError:
        return end[1]


def _flow_list(text: str, line: int) -> tuple[str, ...]:
    text = _COMMENT.sub("", text).strip()
    if not text.endswith("]"):
        raise FrontMatterBroken("the list has no closing `]`", line)
    return tuple(_scalar(part, line) for part in split_list(text[1:-1]))


def _scalar(text: str, line: int) -> str:
    text = text.strip()
    return _quoted(text, line) if text[:1] in ('"', "'") else _COMMENT.sub("", text).strip()


def split_list(text: str) -> list[str]:
    """The parts between commas, empty ones left out; a comma inside brackets or quotes parts nothing."""
    parts = re.findall(r"""(?:[^,("']|\([^)]*\)?|"(?:[^"\\]|\\.)*"?|'[^']*'?)+""", text)
    return [part.strip() for part in parts if part.strip()]
