"""What the TEXT|FILE|- argument means."""

import io
import sys
from pathlib import Path

import pytest

from abathur_tui.cli.text import read_text
from abathur_tui.domain.errors import ArgumentInvalid, NotFound


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    given_input(monkeypatch, "grüß Gott".encode())

    assert read_text("-") == "grüß Gott"


def test_what_holds_a_command_is_text_even_where_a_file_has_that_name(here: Path) -> None:
    text = 'ABYSSAL[CODE]("x")'
    (here / text.replace("/", "")).write_text("something else")

    assert read_text(text) == text


def test_the_name_of_a_file_is_that_file(here: Path) -> None:
    (here / "release").write_text("Write release notes")

    assert read_text("release") == "Write release notes"


@pytest.mark.parametrize("name", ["notes.md", "docs/plan", "./x", "release.abyssal", "/no/such/file"])
def test_a_word_that_looks_like_a_file_and_names_none_is_not_found(name: str) -> None:
    with pytest.raises(NotFound, match="no file"):
        read_text(name)


def test_only_who_takes_prompts_tells_how_one_word_is_a_prompt() -> None:
    with pytest.raises(NotFound) as run:
        read_text("notes.md")
    with pytest.raises(NotFound) as batch:
        read_text("notes.md", prompts=False)

    assert (run.value.advice, batch.value.advice) == (
        "Write a prompt of one word with a space before it.",
        "Name a file that is there, or - for standard input.",
    )


def test_a_folder_is_no_text(here: Path) -> None:
    (here / "src").mkdir()

    with pytest.raises(NotFound, match="is a folder"):
        read_text("./src")


@pytest.mark.parametrize("text", ["hello", "What is in README.md?", "see src/main.py and explain", "refactor", "x" * 5000, "two\nlines"])
def test_anything_else_is_a_prompt(text: str) -> None:
    assert read_text(text) == text


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ArgumentInvalid, match="is empty"):
        read_text(text)


def test_what_is_no_utf8_is_an_error_that_says_where(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "binary").write_bytes(b"ok\xff\xfe")
    given_input(monkeypatch, b"\xff")

    with pytest.raises(ArgumentInvalid, match="byte 3"):
        read_text("binary")
    with pytest.raises(ArgumentInvalid, match="byte 1"):
        read_text("-")
    with pytest.raises(ArgumentInvalid, match="not valid UTF-8"):
        read_text("broken \udcff argument")


def test_a_byte_order_mark_is_no_part_of_the_text(here: Path) -> None:
    (here / "windows.txt").write_bytes(b"\xef\xbb\xbfhello")

    assert read_text("windows.txt") == "hello"
