"""An empty project and an empty home."""

from pathlib import Path

import pytest

from tests.library.folders import Folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Neither has any files."""
    found = Folders(tmp_path / "project", tmp_path / "home")
    found.project.mkdir()
    found.home.mkdir()
    return found
