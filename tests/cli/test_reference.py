"""The page about the commands is made from their help, and is current."""

from pathlib import Path

from abathur_tui.cli.reference import page


def test_the_page_is_what_the_commands_say() -> None:
    written = Path(__file__).parents[2] / "docs" / "commands.md"

    assert written.read_text(encoding="utf-8") == page(), "run: python -m abathur_tui.cli.reference > docs/commands.md"
