"""Foreign text made safe: what models, files, servers and other users wrote can be shown, and never drives the terminal.

Each character that could is replaced by one visible character, so positions stay true and a text may be cut anywhere.
"""

from functools import cache

_CONTROL_PICTURES = 0x2400
_VISIBLE = "\N{REPLACEMENT CHARACTER}"


@cache
def _unsafe() -> dict[int, str]:
    """Made at the first text that is not plain: it takes some milliseconds."""
    kept = {ord("\n"), ord("\t")}
    table = {code: chr(_CONTROL_PICTURES + code) for code in range(0x20) if code not in kept}
    table[0x7F] = "\N{SYMBOL FOR DELETE}"
    ranges = (
        (0x80, 0x9F),  # C1 controls: one of them alone starts a sequence
        (0x061C, 0x061C),  # bidi: reorders what is read
        (0x180E, 0x180E),
        (0x200B, 0x200B),  # zero width: hides what is there
        (0x200E, 0x200F),
        (0x2028, 0x202E),
        (0x2060, 0x206F),
        (0xD800, 0xDFFF),  # lone surrogates: no terminal's encoding has them
        (0xFEFF, 0xFEFF),
        (0xFFF9, 0xFFFB),
        (0xE0000, 0xE007F),  # tags: a whole hidden text
    )
    for first, last in ranges:
        table.update(dict.fromkeys(range(first, last + 1), _VISIBLE))
    return table


@cache
def _unsafe_in_json() -> dict[int, str]:
    """JSON escapes the lower ones itself; between its tokens they are layout."""
    return {code: _json_escape(code) for code in _unsafe() if code >= 0x20}


def _json_escape(code: int) -> str:
    units = chr(code).encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def safe(text: str) -> str:
    """`text` with every character that could drive or deceive a terminal replaced by a visible one; line breaks and tabs stay.

    `safe(safe(x)) == safe(x)`, and `safe(a) + safe(b) == safe(a + b)`.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_unsafe())


def safe_line(text: str) -> str:
    """`safe`, on one line: line breaks and tabs become spaces."""
    return safe(text).replace("\n", " ").replace("\t", " ")


def safe_json(document: str) -> str:
    """A JSON text in which the same characters are escapes: they can only stand inside its strings, so it means what it meant."""
    return document if document.isascii() and "\x7f" not in document else document.translate(_unsafe_in_json())


def escaped(text: str) -> str:
    """`text` with all that is not plain ASCII written as an escape (`\\n`, `\\x1b`, `\\u202e`): for commands, paths and questions."""
    return text.encode("unicode_escape").decode("ascii")
