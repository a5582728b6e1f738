"""The header: what goes on as a whole, in one line; what waits for a person is its one bright thing."""

from dataclasses import dataclass
from typing import NamedTuple

from textual.strip import Strip

from abathur_tui.screen import figures
from abathur_tui.screen.roles import Line, Role, Span, width_of
from abathur_tui.screen.widgets.drawn import Drawn


@dataclass(frozen=True, slots=True)
class Figures:
    """What the header shows. None: not known (yet), and not shown."""

    project: str = ""
    answers: str = ""
    """Which runtime and model answers: `embedded model answers`."""
    need_you: int = 0
    running: int = 0
    waiting: int = 0
    """Waiting and pending."""
    paused: int = 0
    failed: int = 0
    """Failed and dead."""
    engine_lives: bool | None = None
    engine_restarts: bool = False
    """One that died is being started again."""
    agents_busy: int = 0
    agents_limit: int | None = None
    tokens_per_second: float | None = None
    cost_today_usd: float | None = 0.0
    """None: the price of some of it is not known."""
    tokens_today: int = 0
    memory_bytes: int | None = None
    cpu_percent: float | None = None
    hold: str = ""
    """A few words where nothing new starts: the queue is paused, or it is a quiet time."""
    trouble: str = ""
    """A few words where the project cannot be read."""


class _Part(NamedTuple):
    """A piece of the header: the higher its `worth`, the longer it stays as the screen gets narrower."""

    worth: int
    line: Line


class Header(Drawn):
    """One line of figures of fixed width, so that nothing jumps."""

    def __init__(self) -> None:
        """Empty until `show` is called."""
        super().__init__(id="header")
        self.figures = Figures()

    def show(self, figures: Figures) -> None:
        """Show these figures."""
        if figures != self.figures:
            self.figures = figures
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The parts that fit: the project at the left, money and machine at the right."""
        width = self.size.width
        left, right = self._left(), self._right()
        while _width(left) + _width(right) > width and (left or right):
            parts = left + right
            least = min(parts, key=lambda part: part.worth)
            left = [part for part in left if part is not least]
            right = [part for part in right if part is not least]
        line = [span for part in left for span in part.line]
        line.append(Span(" " * (width - _width(left) - _width(right))))
        line += [span for part in right for span in part.line]
        return self.strip(line, width)

    def _left(self) -> list[_Part]:
        shown = self.figures
        parts = [_Part(100, [Span(" abathur", Role.TITLE)]), _Part(60, [Span("  "), Span(shown.project)])]
        if shown.answers:
            parts.append(_Part(40, [Span("  "), Span(shown.answers, Role.DIM)]))
        parts.append(_Part(99, [Span("  ")]))
        if shown.trouble:
            parts.append(_Part(98, [Span(f" ● {shown.trouble} ", Role.ALERT), Span("  ")]))
        if shown.need_you:
            words = "needs you" if shown.need_you == 1 else "need you"
            parts.append(_Part(97, [Span(f" ● {shown.need_you} {words} ", Role.ALERT), Span("  ")]))
        if shown.hold:
            parts.append(_Part(95, [Span(f" ‖ {shown.hold}", Role.STRONG), Span("  ")]))
        for worth, shape, count, word, role in (
            (90, "▶", shown.running, "running", Role.RUNNING),
            (80, "◌", shown.waiting, "waiting", Role.DIM),
            (70, "‖", shown.paused, "paused", Role.DIM),
            (85, "✗", shown.failed, "failed", Role.FAILED),
        ):
            if count:
                parts.append(_Part(worth, [Span(f" {shape} {count:,} {word}", role), Span(" ")]))
        return parts

    def _right(self) -> list[_Part]:
        shown = self.figures
        parts: list[_Part] = []
        if shown.engine_lives is False and shown.running + shown.waiting:
            parts.append(_Part(75, _dim("engine restarts" if shown.engine_restarts else "no engine")))
        elif shown.engine_lives and shown.agents_limit:
            parts.append(_Part(75, _dim(f"agents {shown.agents_busy}/{shown.agents_limit}")))
        if shown.tokens_per_second is not None:
            # By what was streamed: exact counts come only at a turn's end, so the figure says that it is rounded.
            parts.append(_Part(30, _dim(f"{f'~{shown.tokens_per_second:.0f}':>5} tok/s")))
        if shown.cost_today_usd is None and shown.tokens_today:
            parts.append(_Part(50, _dim(f"{figures.tokens(shown.tokens_today)} tokens today")))
        elif shown.tokens_today:
            parts.append(_Part(50, _dim(f"${figures.money(shown.cost_today_usd)} today")))
        if shown.memory_bytes is not None:
            parts.append(_Part(20, _dim(f"{figures.size(shown.memory_bytes):>6}")))
        if shown.cpu_percent is not None:
            parts.append(_Part(10, _dim(f"{shown.cpu_percent:>3.0f} %")))
        return parts


def _dim(text: str) -> Line:
    return [Span("  "), Span(text, Role.DIM), Span(" ")]


def _width(parts: list[_Part]) -> int:
    return sum(width_of(part.line) for part in parts)
