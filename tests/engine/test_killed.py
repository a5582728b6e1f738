"""Whatever is killed and whenever: nothing is lost, no finished step is made twice, nothing is left running."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

import psutil  # type: ignore[import-untyped]
import pytest

from abathur_tui.domain.clock import SystemClock
from abathur_tui.domain.status import Status
from abathur_tui.engine.silence import End, Silence
from abathur_tui.storage import engines, views
from abathur_tui.storage.engines import EngineRow
from tests.engine.bench import Bench, join_node, loop_node, node, settles
from tests.engine.dying_engine import MOMENTS
from tests.engine.scripted_engine import FOLDER_VARIABLE
from tests.scripted import ScriptedRuntime, say
from tests.waiting import eventually, slowness

REPOSITORY = Path(__file__).parents[2]


class Processes:
    """A project whose engines are processes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.project = Bench(folder, ScriptedRuntime(say("")))
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *flags: str, lease_seconds: float = 5.0, turn_seconds: float = 0.1, module: str = "scripted_engine") -> subprocess.Popen[bytes]:
        """Start an engine as its launcher does."""
        with (self.folder / "engine.log").open("ab") as log:
            engine = subprocess.Popen(
                [sys.executable, "-m", f"tests.engine.{module}", str(self.folder), str(lease_seconds), str(turn_seconds), *flags],
                cwd=REPOSITORY,
                env={**os.environ, FOLDER_VARIABLE: str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(engine)
        return engine

    def active(self) -> EngineRow | None:
        """The active engine, once it is registered."""
        active = engines.active_engine(self.project.data)
        return self.project.database.read_now(engines.row, active) if active else None

    def await_active(self, other_than: EngineRow | None = None) -> EngineRow:
        """The active engine, another one than that."""

        def found() -> EngineRow | None:
            row = self.active()
            return row if row is not None and (other_than is None or row.id != other_than.id) else None

        row = eventually(found)
        assert row is not None
        return row

    def running(self) -> list[psutil.Process]:
        """All processes that carry this folder: engines, guards, children."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def programs(self) -> set[int]:
        """The agents' programs among them, without the shells that wait to be let go."""
        return {process.pid for process in self.running() if Path(self._command(process)[0]).name == "sleep"}

    def guards(self) -> list[psutil.Process]:
        """The guards among them."""
        return [process for process in self.running() if any("beside.py" in word for word in self._command(process))]

    def last_guards(self) -> list[psutil.Process]:
        """Those that end what is left where engine and guard are killed in the same instant."""
        return [process for process in self.running() if any("kill_noted" in word for word in self._command(process))]

    def effects(self) -> Counter[str]:
        """How often each task's tool call had its effect."""
        file = self.folder / "effects"
        return Counter(file.read_text().split()) if file.exists() else Counter()

    def end(self) -> None:
        """Kill all that is left."""
        for process in self.running():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for engine in self._started:
            engine.wait()
        self.project.close()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE and process.environ().get(FOLDER_VARIABLE) == str(self.folder))
        except psutil.Error:
            return False

    def _command(self, process: psutil.Process) -> list[str]:
        try:
            return list(process.cmdline())
        except psutil.Error:
            return [""]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """A project whose engines are processes; nothing of them survives the test."""
    made = Processes(tmp_path / "project")
    yield made
    made.end()


def kill(pid: int) -> None:
    """Kill a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def check_that_no_step_was_made_twice(processes: Processes, tasks: list[int]) -> None:
    """Every task has its two finished turns, each once, and one effect at most."""
    for task in tasks:
        finished = [turn.number for turn in processes.project.detail(task).turns if turn.stop_reason is not None]
        assert len(finished) == len(set(finished)) == 2
        assert processes.project.result(task) in ("known", "unknown")
    assert max(processes.effects().values()) == 1


def test_a_killed_engine_is_back_at_work_within_five_seconds_and_its_programs_are_gone(processes: Processes) -> None:
    tasks = processes.project.submit(*(node(f"n{number}") for number in range(12)))
    processes.start(turn_seconds=0.3)
    first = processes.await_active()
    programs = eventually(processes.programs)

    killed = time.monotonic()
    kill(first.pid)
    processes.await_active(first)
    eventually(lambda: processes.project.database.read_now(views.counts)[Status.RUNNING] > 0)
    seconds = time.monotonic() - killed

    eventually(lambda: processes.project.database.read_now(views.counts)[Status.COMPLETED] == 12)
    assert not programs & processes.programs()
    check_that_no_step_was_made_twice(processes, tasks)
    assert seconds < 5 * slowness()


@pytest.mark.parametrize("seed", [1])
def test_engines_and_guards_that_are_killed_at_any_moment_lose_nothing(processes: Processes, seed: int) -> None:
    chance = random.Random(seed)
    project = processes.project
    tasks = project.submit(*(node(f"n{number}") for number in range(24)), join_node("all"), edges=settles("all", *(f"n{n}" for n in range(24))))
    [loop] = project.submit(loop_node("echo x >> passes.log; wc -l < passes.log", target=3))
    processes.start()
    for _ in range(5):
        row = processes.await_active()
        time.sleep(chance.uniform(0.0, 0.6))  # The random moment.
        victim = chance.choice(["engine", "guard", "both"])
        if victim != "engine":
            for guard in processes.guards():
                kill(guard.pid)
        if victim != "guard":
            kill(row.pid)
        if victim != "guard":
            eventually(lambda row=row: not engines.engine_alive(project.data, row.id))  # type: ignore[misc]
        if victim != "guard" and not processes.guards():
            # Also where a guard that was killed before had not been replaced yet: then whoever needs an engine starts one.
            processes.start()

    eventually(lambda: project.task(tasks[-1]).status is Status.COMPLETED and project.task(loop).status is Status.COMPLETED, 40)

    check_that_no_step_was_made_twice(processes, tasks[:-1])
    [course] = project.database.read_now(views.loops)
    assert [done.number for done in course.passes] == [1, 2, 3] or course.passes[-1].metrics["score"] >= 3
    eventually(lambda: not processes.programs())


def tasks_of(c: Connection, parent: int) -> list[int]:
    """Those of its sub-agents."""
    return [id for (id,) in c.execute("SELECT id FROM tasks WHERE parent = ?", (parent,))]


@pytest.mark.parametrize("seed", [2])
def test_sub_agents_are_asked_for_once_and_their_results_come_back_however_often_the_engine_is_killed(processes: Processes, seed: int) -> None:
    chance = random.Random(seed)
    project = processes.project
    leads = project.submit(*(node(f"n{number}", prompt=f"lead {number}") for number in range(3)))
    processes.start(turn_seconds=0.2)
    for _ in range(6):
        row = processes.await_active()
        time.sleep(chance.uniform(0.0, 0.5))  # The random moment.
        kill(row.pid)
        processes.await_active(row)

    eventually(lambda: {project.task(task).status for task in leads} == {Status.COMPLETED}, 60)

    for lead in leads:
        parts = project.database.read_now(tasks_of, lead)
        assert len(parts) == 2
        check_that_no_step_was_made_twice(processes, parts)
        assert sum(done.action == "task.completed" for part in parts for done in project.detail(part).events) == 2
        assert (project.result(lead) or "").count("known") == 2
    eventually(lambda: not processes.programs())


def test_a_task_goes_on_from_its_last_finished_step_and_an_unfinished_tool_call_is_told_as_unknown(processes: Processes) -> None:
    processes.start("--stay", turn_seconds=0.01, module="dying_engine")
    processes.await_active()
    for moment, (told, effects) in MOMENTS.items():
        (processes.folder / "moment").write_text(moment)

        [task] = processes.project.submit(node())
        eventually(lambda task=task: processes.project.task(task).status is Status.COMPLETED)  # type: ignore[misc]

        assert (processes.folder / f"died {moment}").exists(), moment
        assert (moment, processes.project.result(task), processes.effects()[f"t{task}"]) == (moment, told, effects)
        detail = processes.project.detail(task)
        finished = [turn.number for turn in detail.turns if turn.stop_reason is not None]
        assert finished == [1, 2], moment
        assert [attempt.outcome for attempt in detail.attempts] == ["interrupted", "completed"], moment


def test_when_both_are_killed_the_next_engine_ends_what_they_left_running(processes: Processes) -> None:
    tasks = processes.project.submit(*(node(f"n{number}") for number in range(6)))
    processes.start(turn_seconds=60)
    first = processes.await_active()
    eventually(lambda: len(processes.programs()) >= 3)
    # Stopped first, so that neither sees the other go.
    for guard in processes.guards():
        guard.suspend()
    os.kill(first.pid, signal.SIGSTOP)
    left = processes.programs()
    assert left
    for last in processes.last_guards():
        last.kill()
    for guard in processes.guards():
        guard.kill()
    kill(first.pid)
    eventually(lambda: not engines.engine_alive(processes.project.data, first.id))
    assert left & processes.programs()

    processes.start("--drain").wait(30)

    assert not left & processes.programs()
    assert {processes.project.task(task).status for task in tasks} == {Status.COMPLETED}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_end_agents_give_tasks_back_and_start_nothing_again(processes: Processes, number: signal.Signals) -> None:
    tasks = processes.project.submit(*(node(f"n{number}") for number in range(12)))
    engine = processes.start(turn_seconds=0.5)
    row = processes.await_active()
    eventually(processes.programs)

    os.kill(row.pid, number)

    assert engine.wait(30) == 0
    eventually(lambda: not processes.running())
    counts = processes.project.database.read_now(views.counts)
    assert counts[Status.PENDING] + counts[Status.COMPLETED] == 12
    assert {processes.project.task(task).attempt for task in tasks} <= {0, 1}
    assert processes.project.database.read_now(engines.unended) == []
    assert not list((processes.project.data / "engines").iterdir())


def test_an_engine_that_was_stopped_past_its_lease_is_taken_over_by_one_that_stands_by_and_ends_itself_on_waking(processes: Processes) -> None:
    tasks = processes.project.submit(*(node(f"n{number}") for number in range(12)))
    first = processes.start(lease_seconds=1.0, turn_seconds=0.3)
    row = processes.await_active()
    programs = eventually(processes.programs)
    os.kill(row.pid, signal.SIGSTOP)  # perhaps in the middle of a write, and then nobody else can write
    processes.start("--standby", lease_seconds=1.0)

    eventually(lambda: processes.project.database.read_now(views.counts)[Status.COMPLETED] == 12)
    assert not programs & processes.programs()
    check_that_no_step_was_made_twice(processes, tasks)
    second = processes.await_active(row)
    os.kill(row.pid, signal.SIGCONT)
    # It is killed only where it was stopped in the middle of a write.
    assert first.wait(30) in (0, -signal.SIGKILL)
    eventually(lambda: row.pid not in {process.pid for process in processes.running()})
    assert processes.await_active(row).id == second.id
    check_that_no_step_was_made_twice(processes, tasks)
    assert processes.project.database.read_now(engines.row, second.id)


def test_an_engine_that_hangs_past_its_lease_is_superseded_before_it_is_ended(processes: Processes) -> None:
    (processes.folder / "moment").write_text("in the tool")
    (processes.folder / "hang").touch()
    [task] = processes.project.submit(node())
    first = processes.start("--stay", lease_seconds=1.0, turn_seconds=0.01, module="dying_engine")
    row = processes.await_active()
    eventually((processes.folder / "died in the tool").exists)
    silence = Silence(processes.project.database, 1.0, SystemClock())
    silent = eventually(silence.found)
    assert silent is not None
    assert silent.row is not None
    assert silence.end(replace(silent, row=replace(silent.row, beat=0))) is None, "one that has beaten meanwhile is left alone"
    assert first.poll() is None

    assert silence.end(silent) is End.KILLED

    assert first.wait(30) == -signal.SIGKILL
    ended = processes.project.database.read_now(engines.row, row.id)
    assert ended is not None
    assert ended.ended_at is not None
    processes.await_active(row)
    eventually(lambda: processes.project.task(task).status is Status.COMPLETED)
    assert processes.project.result(task) == "unknown"


def test_one_that_stops_before_it_has_registered_is_ended_too(processes: Processes) -> None:
    script = "import sys, time; from pathlib import Path; from abathur_tui.storage import engines; "
    script += "held = engines.hold_engine_lock(Path(sys.argv[1]), 'never-registered'); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script, processes.project.data], stdout=subprocess.PIPE, cwd=REPOSITORY) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        silence = Silence(processes.project.database, 0.0, SystemClock())
        assert not silence.relieve()
        assert not silence.relieve(), "it may be about to register, or wait for the disk"

        os.kill(holder.pid, signal.SIGSTOP)
        assert eventually(silence.relieve)

        assert holder.wait(30) == -signal.SIGKILL
