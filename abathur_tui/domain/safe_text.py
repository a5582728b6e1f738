"""Foreign text made safe: what models, files, servers and other users wrote can be shown, and never drives the terminal.

Each character that could is replaced by one visible character, so positions stay true and a text may be cut anywhere.
"""

_CONTROL_PICTURES = 0x2400
_VISIBLE = "\N{REPLACEMENT CHARACTER}"


def _unsafe() -> dict[int, str]:
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


def _json_escape(code: int) -> str:
    units = chr(code).encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


_UNSAFE = _unsafe()
_UNSAFE_IN_JSON = {code: _json_escape(code) for code in _UNSAFE if code >= 0x20}  # JSON escapes the lower ones itself; between tokens they are layout


def safe(text: str) -> str:
    """`text` with every character that could drive or deceive a terminal replaced by a visible one; line breaks and tabs stay.

    `safe(safe(x)) == safe(x)`, and `safe(a) + safe(b) == safe(a + b)`.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_UNSAFE)


def safe_line(text: str) -> str:
    """`safe`, on one line: line breaks and tabs become spaces."""
    return safe(text).replace("\n", " ").replace("\t", " ")


def safe_json(document: str) -> str:
    """A JSON text in which the same characters are escapes: they can only stand inside its strings, so it means what it meant."""
    return document.translate(_UNSAFE_IN_JSON)


def escaped(text: str) -> str:
    """`text` with all that is not plain ASCII written as an escape (`\\n`, `\\x1b`, `\\u202e`): for commands, paths and questions."""
    return text.encode("unicode_escape").decode("ascii")
