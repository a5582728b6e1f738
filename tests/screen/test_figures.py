"""Figures: short, steady, and never more than is known."""

import pytest
from rich.cells import cell_len

from abathur_tui.screen import figures
from abathur_tui.screen.locale_text import has_utf8, to_ascii
from abathur_tui.screen.roles import Span, fit
from abathur_tui.screen.theme import choose_theme
from abathur_tui.screen.widgets.text_view import wrap, wrap_text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0s"), (59.9, "59s"), (60, "1m"), (3600, "1h"), (172_800, "2d"), (400 * 86_400, "1y"), (1e12, "999y")]
)
def test_an_age_takes_at_most_four_cells(seconds: float, text: str) -> None:
    assert figures.age(seconds) == text
    assert len(text) <= 4


@pytest.mark.parametrize(("seconds", "text"), [(-3600, "0.0 s"), (1.26, "1.3 s"), (59.9, "59 s"), (252, "4 min 12 s"), (4020, "1 h 7 min")])
def test_a_duration_is_never_less_than_nothing(seconds: float, text: str) -> None:
    # The end lies before the beginning where the clock was set back in between.
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(950, "950"), (8100, "8.1k"), (12_345, "12k"), (999_999, "999k"), (1_200_000, "1.2M"), (25_000_000, "25M")]
)
def test_tokens_take_at_most_five_cells(count: int, text: str) -> None:
    assert figures.tokens(count) == text
    assert len(text) <= 5


@pytest.mark.parametrize(("usd", "text"), [(None, "?"), (0.0, "0.00"), (0.214, "0.21"), (12.5, "12.50"), (1234.5, "1,234")])
def test_money_has_cents_and_what_is_not_known_is_not_zero(usd: float | None, text: str) -> None:
    assert figures.money(usd) == text


@pytest.mark.parametrize("value", [0.0, 1.0, -118.0, 0.93, 12_500.0, 999_950.0, 1.25e9, 3e-7, -1.23e-5, 1e15])
def test_an_axis_label_fits_into_its_margin(value: float) -> None:
    assert len(figures.short_number(value)) <= 7


@pytest.mark.parametrize("text", ["", "short", "much too long for it", "漢字漢字漢字", "a漢b字c"])
@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_a_text_fits_exactly(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@pytest.mark.parametrize("text", ["one two three", "averylongwordwithoutspaces", "漢字漢字 漢字", "", "  indented words here"])
@pytest.mark.parametrize("width", [4, 7, 20])
def test_wrapping_loses_nothing_and_never_passes_the_width(text: str, width: int) -> None:
    pieces = wrap_text(text, width)

    assert all(cell_len(piece) <= width for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def test_a_wrapped_line_is_indented_under_its_beginning() -> None:
    assert ["".join(span.text for span in line) for line in wrap([Span("key "), Span("some words")], 9)] == ["key some", "    words"]


def test_ascii_keeps_every_width() -> None:
    text = "▶ ◌ ● ╭─╮ 漢 … ✓†⊘"

    assert to_ascii(text).isascii()
    assert len(to_ascii(text)) == cell_len(text)


@pytest.mark.parametrize(
    ("environ", "utf8"),
    [
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "C", "LC_ALL": "en_US.utf8"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),  # Python's own doing
        ({"LANG": "en_US.ISO-8859-1"}, False),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ({}, False),
    ],
)
def test_the_locale_says_whether_there_is_utf8(environ: dict[str, str], utf8: bool) -> None:
    assert has_utf8(environ) is utf8


@pytest.mark.parametrize(
    ("wanted", "colours", "environ", "theme"),
    [
        ("auto", "truecolor", {}, "abathur-dark"),
        ("auto", "256", {"COLORFGBG": "0;15"}, "abathur-light"),
        ("auto", "truecolor", {"COLORFGBG": "15;0"}, "abathur-dark"),
        ("light", "truecolor", {"COLORFGBG": "15;0"}, "abathur-light"),
        ("dark", "standard", {"COLORFGBG": "0;15"}, "abathur-dark-16"),
        ("light", "standard", {}, "abathur-light-16"),
        ("light", "truecolor", {"NO_COLOR": "1"}, "abathur-plain"),
        ("auto", None, {}, "abathur-plain"),
    ],
)
def test_the_theme_follows_setting_and_terminal(wanted: str, colours: str | None, environ: dict[str, str], theme: str) -> None:
    assert choose_theme(wanted, colours, environ) == theme
