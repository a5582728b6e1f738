"""Foreign text never drives the terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abathur_tui.domain.safe_text import escaped, safe, safe_json, safe_line

HOSTILE = [
    "\x1b]52;c;aGk=\x1b\\",  # writes the clipboard
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x7f\x08\x08",
    "abc\rxyz",
    "user\u202egnp.exe",
    "\u2066hidden\u2069",
    "a\u200bb\u2060c\ufeffd",
    "\u200e\u200f\u061c",
    "tag" + "".join(chr(0xE0000 + ord(c)) for c in "ignore"),
    "\ud800 alone",
    "\x00nul",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_keeps_its_length_and_loses_its_power(text: str) -> None:
    shown = safe(text)

    assert len(shown) == len(text)
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in "\n\t"]


@given(st.text(alphabet=st.characters(exclude_categories=())), st.text(alphabet=st.characters(exclude_categories=())))
def test_safe_is_idempotent_and_may_be_split_anywhere(first: str, second: str) -> None:
    assert safe(safe(first)) == safe(first)
    assert safe(first) + safe(second) == safe(first + second)
    assert not [char for char in safe(first) if (ord(char) < 0x20 and char not in "\n\t") or 0x7F <= ord(char) <= 0x9F]


def test_ordinary_text_is_left_alone() -> None:
    text = "Grüße,\n\tこんにちは 👩‍💻 — “ok”"

    assert safe(text) == text


def test_a_line_stays_one_line() -> None:
    assert safe_line("a\nb\tc") == "a b c"


def test_escaped_shows_all_that_is_not_plain() -> None:
    assert escaped("rm -rf x\u202e\n\x1b") == "rm -rf x\\u202e\\n\\x1b"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_json_made_safe_means_what_it_meant(text: str) -> None:
    document = safe_json(json.dumps({"text": text}, ensure_ascii=False, indent=2))

    assert json.loads(document) == {"text": text}
    assert safe(document) == document
