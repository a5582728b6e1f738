"""The TEXT|FILE|- argument: what a command reads."""

import os
import re
import sys
from pathlib import Path

from abathur_tui.domain.errors import ArgumentInvalid, NotFound

_COMMAND = "ABYSSAL["
_FILE_SUFFIX = re.compile(
    r"\S+\.(abyssal|aby|md|markdown|txt|text|rst|prompt|json|jsonl|toml|yaml|yml|py|go|rs|ts|js|java|c|h|cpp|sh|sql|html|css)", re.I
)
_MOST_BYTES = 128 * 1024 * 1024
"""More than any `language.max_bytes`; only keeps an endless input from filling the memory."""


def read_text(argument: str, *, prompts: bool = True) -> str:
    """What the argument means: `-` standard input, ABYSSAL commands, a file's content, else a prompt.

    `prompts`: whether the command takes one, of which the hint tells.
    Raises NotFound for one word that looks like a file and names none, ArgumentInvalid for what is empty or no UTF-8 text.
    """
    if argument == "-":
        return _filled(_decoded(sys.stdin.buffer.read(_MOST_BYTES), "Standard input"), "Standard input")
    if _COMMAND in argument:
        return _encodable(argument)
    path = Path(argument)
    try:
        is_file = path.is_file() or path.is_fifo()  # `<(…)` of a shell is a pipe with a name
        is_folder = path.is_dir() and "/" in argument
    except (OSError, ValueError):  # too long for a name, or with a NUL: then it is none
        is_file = is_folder = False
    if is_file:
        return read_file(path)
    if is_folder:
        raise NotFound(f"{argument} is a folder, not a file.", hint="Name a file in it.")
    if not any(char.isspace() for char in argument) and ("/" in argument or _FILE_SUFFIX.fullmatch(argument)):
        hint = "Write a prompt of one word with a space before it." if prompts else "Name a file that is there, or - for standard input."
        raise NotFound(f"There is no file {argument}.", hint=hint)
    return _filled(_encodable(argument), "The text")


def read_prompt(argument: str) -> str:
    """A prompt or ABYSSAL commands as they were typed, or for `-` standard input. Raises ArgumentInvalid."""
    return read_text("-") if argument == "-" else _filled(_encodable(argument), "The prompt")


def read_file(path: Path) -> str:
    """A file's text. Raises NotFound or ArgumentInvalid."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.", hint="A path is taken from the current folder.") from error
    except OSError as error:
        raise ArgumentInvalid(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    return _filled(_decoded(content, str(path)), str(path))


def read_file_or_input(argument: str) -> str:
    """The text of a file, or of standard input for `-`."""
    return read_text("-") if argument == "-" else read_file(Path(argument))


def _decoded(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArgumentInvalid(f"{what} is not UTF-8 text (byte {error.start + 1}).", hint="Convert it to UTF-8 first.") from error


def _encodable(text: str) -> str:
    try:
        # Back to the bytes that were typed: a locale without UTF-8 has taken those that it does not know for something else.
        return os.fsencode(text).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise ArgumentInvalid("The text is not valid UTF-8.", hint="Give it in a file that is, or set the terminal to UTF-8.") from error


def _filled(text: str, what: str) -> str:
    if not text.strip():
        raise ArgumentInvalid(f"{what} is empty.", hint="Give ABYSSAL commands, a prompt, a file's name, or - for standard input.")
    return text
