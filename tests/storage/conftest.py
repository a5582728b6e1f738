"""A project's database in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from abathur_tui.storage import Database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the `.abathur` folder is to be; it is not there yet."""
    return tmp_path / ".abathur"


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    """An empty one."""
    made = Database.open(folder, create=True)
    yield made
    made.close()
