"""What must hold of the file when everything has been worked off, whatever was killed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from abathur_tui.storage.checking import check_folder
from tests.journeys.chaos import laws


def hold(folder: Path) -> None:
    """Raises AssertionError."""
    data = folder / ".abathur"
    for file in (data / "logs").glob("engine-*.jsonl"):
        traces = [line for line in file.read_text().splitlines() if "trace" in json.loads(line)]
        assert traces == [], traces
    found = check_folder(data)
    assert found.problems == (), found.problems
    with closing(sqlite3.connect(f"file:{data / 'abathur.db'}?mode=ro", uri=True, isolation_level=None)) as c:
        laws.counts_are_the_rows(c)
        laws.nothing_twice(c)
        if not laws.rows(c, "SELECT 1 FROM audit WHERE action = 'audit.swept'"):
            laws.audit_explains_everything(c)
        assert c.execute("SELECT id FROM executions WHERE root IS NULL").fetchall() == []
        assert c.execute("SELECT id FROM tasks WHERE id NOT IN (SELECT task FROM specs)").fetchall() == []
        # Nothing is left half begun: all has ended, or somebody has to say that it goes on.
        assert c.execute("SELECT id, status FROM tasks WHERE status IN ('waiting', 'pending', 'running', 'interrupted')").fetchall() == []
        assert c.execute("SELECT task FROM attempts WHERE outcome = 'running'").fetchall() == []
        assert c.execute("SELECT id FROM engines WHERE ended_at IS NULL").fetchall() == []
        assert c.execute("SELECT id, state FROM agents WHERE state <> 'TERMINATED'").fetchall() == []
        assert c.execute("SELECT id FROM output").fetchall() == []
        assert c.execute("SELECT id FROM requests WHERE closed_at IS NULL").fetchall() == []
