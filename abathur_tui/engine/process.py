"""The engine's process: its settings, its signals, its exit code."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from abathur_tui.domain.errors import AbathurError, Exit, ProjectNotWritable
from abathur_tui.engine import heap
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.equipment import Equipment, Manner
from abathur_tui.engine.launch import STAY
from abathur_tui.engine.live_settings import FilesAsRead, follow_files
from abathur_tui.engine.log import EngineLog
from abathur_tui.engine.patient import PASSING
from abathur_tui.engine.rescue import notes_of
from abathur_tui.guard import GuardPipe, Keys
from abathur_tui.library import FileRegistry
from abathur_tui.library.watching import watch
from abathur_tui.processes import Children, open_files
from abathur_tui.runtimes import moved_to, open_runtime
from abathur_tui.settings import load
from abathur_tui.storage import Database, engines
from abathur_tui.storage.failures import translated
from abathur_tui.storage.files import private_folder
from abathur_tui.storage.threads import start_all
from abathur_tui.tools import for_project

DATA_FOLDER = ".abathur"
THREADS = 6
"""For what blocks: files, measurements, sealing."""
_PAUSE_SECONDS = 0.5


def serve(project: Path, data: Path | None, manner: Manner, attended: str | None, keys_on_stdin: bool, guard: GuardPipe, keys: Keys) -> int | None:
    """Run the project's engine; its exit code, or None where its guard is to start another one.

    `attended`: the mark of the command that has started it, and watches it. What keeps it from starting is said on standard error.
    """
    os.umask(0o077)
    files = open_files.raise_limit()
    project = project.absolute()
    folder = (data or project / DATA_FOLDER).absolute()
    lock = None
    if attended is not None:
        with contextlib.suppress(OSError, AbathurError):  # on a full disk the command knows the first process at least
            lock = engines.hold_attended_lock(folder, attended)
    try:
        if keys_on_stdin:
            _take_keys(keys)
        code = asyncio.run(_serve(project, folder, manner, guard, keys, files))
    except SystemExit:  # an order to end, before it listened to orders
        _forget_attended(folder, attended)
        raise
    except AbathurError as error:
        details = "".join(f"\n  {detail.message}" for detail in error.details)
        print(f"{error.code}: {error.message} {error.advice}".rstrip() + details, file=sys.stderr)
        # That nothing but an account's refusal is left is an end in order, and says so with this code.
        code = Exit.FAILED if error.exit == Exit.REFUSED else error.exit
    if code is not None:
        _forget_attended(folder, attended)
    if lock is not None:
        lock.release()
    return code


def _forget_attended(folder: Path, mark: str | None) -> None:
    if mark is not None:
        with contextlib.suppress(OSError):
            engines.forget_attended(folder, mark)


async def _serve(project: Path, folder: Path, manner: Manner, guard: GuardPipe, keys: Keys, files: int | None) -> Exit | None:
    read = FilesAsRead.of(folder)
    settings = load(project).settings
    database = await _opened_when_it_can_be(folder) if guard.restarted else _opened(folder)
    try:
        _start_threads(database)
        children = Children(guard, files)
        registry = FileRegistry(project, settings)
        equipment = Equipment(
            project=project,
            settings=settings,
            registry=registry,
            tools=for_project(project, children),
            open_runtime=lambda choice, keys, children: open_runtime(moved_to(choice, project), keys, children),
            children=children,
            keys=keys,
            replaces=guard.restarted,
            on_work=guard.works,
            on_stop=guard.stop,
            most_agents=open_files.room_for_agents(),
        )
        engine = Engine(database, equipment, manner)
        watching = (
            asyncio.create_task(_keep_current(registry, engine.log), name="saved files"),
            asyncio.create_task(follow_files(read, lambda: load(project), engine.use, engine.tell), name="saved settings"),
        )
        try:
            end = await live(engine, folder, guard)
            return None if engine.replaceable else end
        finally:
            for one in watching:
                one.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
    finally:
        database.close()


def _opened(folder: Path) -> Database:
    database = Database.open(folder)
    if database.read_only:
        database.close()
        raise ProjectNotWritable(f"{folder} cannot be written.")
    return database


async def _opened_when_it_can_be(folder: Path) -> Database:
    """The same for an engine that goes on for one that has died: what does not let it is waited for, because nobody is told of it."""
    told = ""
    while True:
        try:
            return _opened(folder)
        except PASSING as error:
            if told != error.code:
                told = error.code
                print(f"{error.code}: {error.message} The engine waits until that is over.", file=sys.stderr)
        await asyncio.sleep(_PAUSE_SECONDS)


def _start_threads(database: Database) -> None:
    """Start all threads that this process will need: later its programs may have taken all that the system lets us start."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="abathur-errands")
    asyncio.get_running_loop().set_default_executor(pool)
    start_all(pool, THREADS)
    database.start_threads()


async def _keep_current(registry: FileRegistry, log: EngineLog) -> None:
    """Saved agent definitions count for the tasks that start from then on."""
    async with contextlib.aclosing(watch(registry)) as changes:
        async for notices in changes:
            for notice in notices:
                log.info("library." + notice.kind.replace(" ", "_"), notice.text)


async def live(engine: Engine, folder: Path, guard: GuardPipe) -> Exit:
    """Run an engine as this process's purpose: TERM and INT stop it in order, `STAY` keeps it when idle.

    Its children are noted for whoever comes after it.
    """
    notes = notes_of(folder, engine.id)
    with translated(folder):
        private_folder(notes.parent)
    guard.keep_notes_in(notes)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    loop.add_signal_handler(STAY, engine.stay)
    # A terminal that closes does not end it: it is not the terminal's.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heap.settle()
    return await engine.run()


def _take_keys(keys: Keys) -> None:
    """Take the keys that whoever starts the engine has written; one that its guard has started again finds none, and has them already."""
    text = sys.stdin.read()
    for fingerprint, key in reversed((json.loads(text) if text.strip() else {}).items()):  # the one that the SDK would take is the newest
        keys.add(fingerprint, key)
