"""What widgets share that draw lines of text by role."""

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from abathur_tui.screen.roles import Line
from abathur_tui.screen.theme import Looks, looks_of


class Drawn(Widget):
    """A widget whose text has roles instead of colours."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False

    def strip(self, line: Line, width: int, over: RichStyle | None = None) -> Strip:
        """A line of spans as exactly `width` cells; `over` wins over the roles' styles."""
        ground = self.rich_style + over
        roles = self.looks.roles
        segments = [Segment(span.text, ground + roles[span.role] + over) for span in line]
        return Strip(segments).adjust_cell_length(width, ground)

    def blank(self, width: int) -> Strip:
        """An empty line."""
        return Strip.blank(width, self.rich_style)

    @property
    def looks(self) -> Looks:
        """The styles of the present theme."""
        return looks_of(self.app.theme)

    def content(self, line: Line) -> Content:
        """A line of spans for a border's title; its text is never read as markup."""
        roles = self.looks.roles
        return Content.assemble(*((span.text, Style.from_rich_style(roles[span.role], self.app.ansi_theme)) for span in line))
