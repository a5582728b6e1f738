"""What widgets share that draw lines of text by role."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from abathur_tui.screen.roles import COMPONENTS, Line, Role


class Drawn(Widget):
    """A widget whose text has roles instead of colours."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = False

    def strip(self, line: Line, width: int, over: RichStyle | None = None) -> Strip:
        """A line of spans as exactly `width` cells; `over` wins over the roles' styles."""
        ground = self.rich_style + over
        segments = [Segment(span.text, ground + self.role_style(span.role) + over) for span in line]
        return Strip(segments).adjust_cell_length(width, ground)

    def blank(self, width: int) -> Strip:
        """An empty line."""
        return Strip.blank(width, self.rich_style)

    def role_style(self, role: Role) -> RichStyle:
        """A role's style without the background of the widget."""
        return self.get_component_rich_style(role.component, partial=True)

    def content(self, line: Line) -> Content:
        """A line of spans for a border's title; its text is never read as markup."""
        return Content.assemble(*((span.text, Style.from_rich_style(self.role_style(span.role), self.app.ansi_theme)) for span in line))
