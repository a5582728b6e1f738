"""A project and a home with templates in them."""

from dataclasses import dataclass
from pathlib import Path

from abathur_tui.library import FileRegistry
from abathur_tui.settings import Settings


@dataclass
class Folders:
    """Where a test's files lie."""

    project: Path
    home: Path

    def registry(self, *folders: str) -> FileRegistry:
        """A registry over them; `folders` are those that the configuration adds."""
        settings = Settings.model_validate({"templates": {"folders": folders}})
        return FileRegistry(self.project, settings, home=self.home, environ={})

    def in_project(self, file: str, text: str) -> Path:
        """A file in the project's own folder of templates."""
        return write(self.project / ".abathur" / "templates" / file, text)

    def in_home(self, file: str, text: str) -> Path:
        """A file in the user's own folder of templates."""
        return write(self.home / ".config" / "abathur" / "templates" / file, text)


def write(path: Path, text: str) -> Path:
    """The file with this text, and all folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def template(name: str, version: str | None = "1.0.0", prompt: str = "Do it.", more: str = "") -> str:
    """The text of a small template; None for a version leaves it out."""
    said = "" if version is None else f'version = "{version}"\n'
    return f'name = "{name}"\n{said}prompt = "{prompt}"\n{more}'
