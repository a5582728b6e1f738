"""The themes: one colour for each role, in true colour, in the terminal's own sixteen, and without colour.

Textual turns true colours into the nearest of 256 by itself; sixteen colours have themes of their own, because the nearest of sixteen to
our greys would be black on black.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.console import Console
from rich.style import Style
from textual import constants
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from abathur_tui.screen.roles import Role


@dataclass(frozen=True, slots=True)
class Palette:
    """A colour for each role, and the grounds that they stand on."""

    ground: str
    bar: str
    cursor: str
    cursor_blurred: str
    ink: str
    dim: str
    faint: str
    running: str
    done: str
    failed: str
    person: str
    alert_ink: str
    alert_ground: str
    accent: str
    frame: str


_COLOURLESS = re.compile(r"vt\d+(-.*)?|.*-(m|mono)")
"""Values of TERM of terminals without colours, which Rich does not know as such."""
_DARK = Palette(
    ground="#0f1318",
    bar="#171e27",
    cursor="#1d2835",
    cursor_blurred="#171e27",
    ink="#d3d9e0",
    dim="#818a96",
    faint="#4b545f",
    running="#6cb6ff",
    done="#7fce7f",
    failed="#f4756b",
    person="#ffbd4a",
    alert_ink="#14181d",
    alert_ground="#ffbd4a",
    accent="#b79cf5",
    frame="#343d48",
)
_LIGHT = Palette(
    ground="#fbfbfa",
    bar="#eceef1",
    cursor="#e0e6f0",
    cursor_blurred="#eceef1",
    ink="#22272e",
    dim="#656d76",
    faint="#a9b0b8",
    running="#0757b5",
    done="#17702f",
    failed="#c01c28",
    person="#8f5600",
    alert_ink="#22272e",
    alert_ground="#ffbd4a",
    accent="#6a3fc4",
    frame="#c9ced4",
)
_PLAIN = Palette(*["ansi_default"] * 15)
_STYLES = dict.fromkeys(("dim", "faint", "person", "accent", "running", "failed", "cursor"), "none") | {
    "strong": "bold",
    "alert": "bold",
    "title": "bold",
}


def _theme(name: str, palette: Palette, *, dark: bool, ansi: bool = False, styles: Mapping[str, str] | None = None) -> Theme:
    colours = {
        "role-ink": palette.ink,
        "role-strong": palette.ink,
        "role-dim": palette.dim,
        "role-faint": palette.faint,
        "role-running": palette.running,
        "role-done": palette.done,
        "role-failed": palette.failed,
        "role-person": palette.person,
        "role-alert": palette.alert_ink,
        "role-alert-ground": palette.alert_ground,
        "role-accent": palette.accent,
        "role-calm": palette.ink,
        "role-title": palette.accent,
        "bar": palette.bar,
        "row-cursor": palette.cursor,
        "row-cursor-blurred": palette.cursor_blurred,
        "frame": palette.frame,
        "frame-focus": palette.accent,
        "border": palette.accent,
        "border-blurred": palette.frame,
        "scrollbar": palette.frame,
        "scrollbar-hover": palette.dim,
        "scrollbar-active": palette.accent,
        "scrollbar-background": palette.ground,
        "scrollbar-background-hover": palette.ground,
        "scrollbar-background-active": palette.ground,
        "scrollbar-corner-color": palette.ground,
        "footer-key-foreground": palette.accent,
        # Textual's own sixteen-colour rules want these:
        "ansi-background": "ansi_black" if dark else "ansi_white",
        "ansi-foreground": "ansi_white" if dark else "ansi_black",
        "input-cursor-text-style": "reverse",
    }
    return Theme(
        name=name,
        primary=palette.accent,
        secondary=palette.running,
        warning=palette.person,
        error=palette.failed,
        success=palette.done,
        accent=palette.accent,
        foreground=palette.ink,
        background=palette.ground,
        surface=palette.ground,
        panel=palette.bar,
        dark=dark,
        ansi=ansi,
        variables=colours | {f"style-{name}": style for name, style in (_STYLES | dict(styles or {})).items()},
    )


def _sixteen(*, dark: bool) -> Palette:
    bright = "ansi_bright_" if dark else "ansi_"
    return Palette(
        ground="ansi_default",
        bar="ansi_default",
        cursor="ansi_default",
        cursor_blurred="ansi_default",
        ink="ansi_default",
        dim="ansi_default",
        faint="ansi_default",
        running=f"{bright}blue",
        done=f"{bright}green",
        failed=f"{bright}red",
        person=f"{bright}yellow",
        alert_ink="ansi_black",
        alert_ground="ansi_yellow",
        accent=f"{bright}magenta",
        frame="ansi_default",
    )


_ANSI_STYLES = {"dim": "dim", "faint": "dim", "cursor": "reverse"}
THEMES = (
    _theme("abathur-dark", _DARK, dark=True),
    _theme("abathur-light", _LIGHT, dark=False),
    _theme("abathur-dark-16", _sixteen(dark=True), dark=True, ansi=True, styles=_ANSI_STYLES),
    _theme("abathur-light-16", _sixteen(dark=False), dark=False, ansi=True, styles=_ANSI_STYLES),
    _theme(
        "abathur-plain",
        _PLAIN,
        dark=True,
        ansi=True,
        styles=_ANSI_STYLES | {"alert": "bold reverse", "running": "bold", "failed": "bold", "person": "bold", "accent": "bold"},
    ),
)


BUILTIN_THEMES.update({theme.name: theme for theme in THEMES})  # known before the application makes its first stylesheet


@dataclass(frozen=True, slots=True)
class Looks:
    """A theme's styles, as lines are drawn with them."""

    roles: Mapping[Role, Style]
    cursor: Style
    """What the cursor's row has on top."""
    cursor_blurred: Style
    """The same in a pane without the focus."""


@lru_cache(maxsize=8)
def looks_of(theme: str) -> Looks:
    """The styles of a theme, made of its variables `role-…` (colours) and `style-…` (attributes).

    Component classes would do the same through the stylesheet, for a quarter of the time until the first frame.
    """
    variables = BUILTIN_THEMES[theme].variables
    roles = {role: _style(variables, role.value, ground=variables["role-alert-ground"] if role is Role.ALERT else None) for role in Role}
    cursor = _attributes(variables.get("style-cursor", "none"))
    grounds = (Color.parse(variables[name]).rich_color for name in ("row-cursor", "row-cursor-blurred"))
    focused, blurred = (Style() if ground.is_default else Style(bgcolor=ground) for ground in grounds)
    return Looks(roles, focused + cursor, blurred)


def _style(variables: Mapping[str, str], name: str, ground: str | None) -> Style:
    colour = Color.parse(variables[f"role-{name}"]).rich_color
    style = Style(color=colour, bgcolor=None if ground is None else Color.parse(ground).rich_color)
    return style + _attributes(variables.get(f"style-{name}", "none"))


def _attributes(words: str) -> Style:
    return Style.parse(words) if words != "none" else Style()


def colours_of_terminal(environ: Mapping[str, str] = os.environ) -> str | None:
    """`truecolor`, `256`, `standard` (sixteen) or None, as the environment says."""
    if _COLOURLESS.fullmatch(environ.get("TERM", "")):
        return None
    return Console(color_system=constants.COLOR_SYSTEM, force_terminal=True, legacy_windows=False).color_system  # type: ignore[arg-type]


def choose_theme(wanted: str, colours: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The theme's name for `screen.theme` (`auto`, `dark` or `light`) and what the terminal can show.

    `auto` follows the terminal where it says what its background is (COLORFGBG), and is dark elsewhere.
    """
    if environ.get("NO_COLOR") or colours is None:
        return "abathur-plain"
    dark = wanted != "light" and (wanted == "dark" or not _light_background(environ.get("COLORFGBG", "")))
    return f"abathur-{'dark' if dark else 'light'}{'-16' if colours == 'standard' else ''}"


def _light_background(colorfgbg: str) -> bool:
    background = colorfgbg.rpartition(";")[2]
    return background.isdecimal() and int(background) in (7, *range(9, 16))
