"""The turnstile between processes: for fairness only, so nobody waits for long at it, and whoever keeps it is named."""

import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from abathur_tui.domain.errors import DatabaseBusy
from abathur_tui.storage import Database, connection, turnstile, views
from abathur_tui.storage.turnstile import MOST_SECONDS, Turnstile
from tests.storage.building import plan, submit
from tests.storage.test_processes import child, lines


@dataclass
class HandTime:
    """Time that passes only where somebody waits."""

    at: float = 0.0

    def monotonic(self) -> float:
        """Where it is."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Pass."""
        self.at += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> HandTime:
    """The turnstile's time."""
    made = HandTime()
    monkeypatch.setattr(turnstile, "time", made)
    return made


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Turnstile, Turnstile]]:
    """Two who want to write."""
    with closing(Turnstile(tmp_path)) as one, closing(Turnstile(tmp_path)) as other:
        yield one, other


def waited(writer: Turnstile, time: HandTime) -> float:
    """How long it waited in vain."""
    before = time.at
    assert not writer.enter()
    return time.at - before


def test_one_goes_in_at_a_time_and_the_next_one_when_it_has_left(pair: tuple[Turnstile, Turnstile], time: HandTime) -> None:
    one, other = pair
    assert one.enter()
    assert not other.enter()
    one.leave()
    assert other.enter()


def test_whoever_waited_in_vain_is_impatient_until_it_has_had_its_turn(pair: tuple[Turnstile, Turnstile], time: HandTime) -> None:
    one, other = pair
    assert one.enter()

    assert waited(other, time) == pytest.approx(MOST_SECONDS, abs=0.01)
    assert [waited(other, time) < 0.05 for _ in range(3)] == [True] * 3

    one.leave()
    assert other.enter()
    other.leave()
    assert one.enter()
    assert waited(other, time) == pytest.approx(MOST_SECONDS, abs=0.01)


@pytest.fixture
def impatient(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A project with a task, at which a writer waits for a moment only."""
    submit(database, plan(["a"]))
    database.close()
    monkeypatch.setattr(connection, "_ALWAYS", tuple(("busy_timeout", "50", 50) if one[0] == "busy_timeout" else one for one in connection._ALWAYS))
    with closing(Database.open(database.folder)) as opened:
        yield opened


def test_a_writer_that_was_stopped_in_its_turn_is_named_with_what_to_do(impatient: Database) -> None:
    with child("write_for_ever", impatient.folder) as process:
        assert lines(process, 1) == ["writing"]
        with pytest.raises(DatabaseBusy) as busy:
            submit(impatient, plan(["b"]))
        assert busy.value.message.endswith(f" process {process.pid}.")

        process.send_signal(signal.SIGSTOP)
        with pytest.raises(DatabaseBusy) as stopped:
            submit(impatient, plan(["b"]))
        ways = f"`kill -CONT {process.pid}` lets it go on, `kill -9 {process.pid}` ends it."
        assert stopped.value.message.endswith(f" process {process.pid}. It is stopped: {ways}")
    # It was killed, and nothing of it is left in the way.
    submit(impatient, plan(["b"]))
    assert len(impatient.read_now(views.members, 2)) == 1
