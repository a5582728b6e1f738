"""The project's one SQLite file: its laws, the writer, the readers, the queue, the journal and what is read from them."""

from abathur_tui.storage.database import Database

__all__ = ["Database"]
