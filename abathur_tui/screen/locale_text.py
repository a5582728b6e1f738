"""What a terminal without UTF-8 is shown: every character in ASCII, each as wide as it was."""

import os
from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from abathur_tui.domain.status import Status, Why, shown_state

_LINES = {
    "─━┄┅╌╍═▔▁": "-",
    "│┃┆┇╎╏║▏▎▍▌▐▕": "|",
    "┌┐└┘├┤┬┴┼╭╮╰╯╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫╬┏┓┗┛┣┫┳┻╋": "+",
    "╴╵╶╷╸╹╺╻": "-",
    "█▓▒░▀▄▅▆▇▉▊▋■▪": "#",
}
_OTHERS = {
    "…": ".",
    "–": "-",
    "—": "-",
    "−": "-",
    "·": ".",
    "▾": "v",
    "▸": ">",
    "↵": "$",
    "↓": "v",
    "↑": "^",
    "←": "<",
    "→": ">",
    "≤": "<",
    "≥": ">",
    "×": "x",
    "○": "o",
    "◆": "*",
}


def _table() -> dict[int, str]:
    table = {ord(character): ascii for characters, ascii in _LINES.items() for character in characters}
    table |= {ord(character): ascii for character, ascii in _OTHERS.items()}
    for status in Status:
        for why in (Why.NONE, Why.QUOTA, Why.KEY):
            state = shown_state(status, why)
            table[ord(state.shape)] = state.ascii
    return table


_ASCII = _table()


class AsciiFilter(LineFilter):
    """The last thing that happens to a line before it is written."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, in ASCII."""
        return [segment if segment.text.isascii() else Segment(to_ascii(segment.text), segment.style, segment.control) for segment in segments]


def to_ascii(text: str) -> str:
    """`text` in ASCII and as wide; what has no likeness is `?`."""
    translated = text.translate(_ASCII)
    if translated.isascii():
        return translated
    return "".join(character if character.isascii() else "?" * cell_len(character) for character in translated)


def has_utf8(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the locale says that the terminal understands UTF-8.

    Python itself sets LC_CTYPE to C.UTF-8 where no locale is set (PEP 538), so that alone says nothing.
    """
    if locale := environ.get("LC_ALL"):
        return _is_utf8(locale)
    ctype, language = environ.get("LC_CTYPE", ""), environ.get("LANG", "")
    coerced = ctype == "C.UTF-8" and language in ("", "C", "POSIX")
    return _is_utf8(language if coerced or not ctype else ctype)


def _is_utf8(locale: str) -> bool:
    return locale.lower().replace("-", "").endswith("utf8") or "utf-8" in locale.lower()
