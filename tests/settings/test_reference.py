"""The page about the configuration is made from the settings, and is current."""

from pathlib import Path

from abathur_tui.settings.loading import keys
from abathur_tui.settings.reference import page


def test_the_page_is_what_the_settings_say() -> None:
    written = Path(__file__).parents[2] / "docs" / "configuration.md"

    assert written.read_text(encoding="utf-8") == page(), "run: python -m abathur_tui.settings.reference > docs/configuration.md"


def test_every_setting_is_explained() -> None:
    for *_, name in keys():
        assert f"| `{name}` |" in page()
