"""Queues that a user would pick instead: how many tasks that do nothing each takes from submit to completed.

    python benchmarks/peers.py NAME [TASKS]

NAME is huey, saq, taskiq, procrastinate or dbos; `benchmarks/queues.py` runs each in a process of its own, beside Abathur. Each stands as its own
documentation sets it up for a first use, with 20 workers: its tasks are submitted one call each, as many calls at once as it has workers where it is
asynchronous, and its worker runs in the same process. The servers are started here, on loopback or a socket of their own, with Debian's defaults
for what must be on disk. Prints one JSON object: tasks, seconds, and what it was.

Needs `pip install 'abathur-tui[peers]'`, and Debian's packages redis-server and postgresql.
"""

# Each peer is an optional, slow library of which one run needs one: hence the imports inside the functions.

import asyncio
import contextlib
import getpass
import json
import logging
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from pathlib import Path

WORKERS = 20
PATIENCE_SECONDS = 300.0


class Count:
    """How many tasks were done; whoever waits is told when it is all."""

    def __init__(self, tasks: int) -> None:
        """None yet."""
        self.tasks = tasks
        self.done = 0
        self.all_done = threading.Event()

    def one(self) -> None:
        """One more."""
        self.done += 1
        if self.done == self.tasks:
            self.all_done.set()

    async def wait(self) -> None:
        """Until all are done."""
        if not await asyncio.to_thread(self.all_done.wait, PATIENCE_SECONDS):
            raise TimeoutError(f"{self.done} of {self.tasks} tasks were done after {PATIENCE_SECONDS:g} s")


def installed(program: str) -> str:
    """Where a server's program is; a clear end where it is missing."""
    found = shutil.which(program) or next((str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{program}")), None)
    if found is None:
        raise SystemExit(f"{program} is not installed")
    return found


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of its own at a socket; its address. With an append-only file, synced every second: what survives a crash of the program."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/redis.sock"
        argv = [installed("redis-server"), "--port", "0", "--unixsocket", socket, "--dir", folder, "--appendonly", "yes", "--save", ""]
        server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        try:
            until(lambda: os.path.exists(socket))
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait()


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of its own at a socket, with its defaults; its address. Not as root, which it refuses."""
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    owner = pwd.getpwnam(user)
    become = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = f"{folder}/data"
        subprocess.run([*become, installed("initdb"), "-D", data, "-A", "trust", "-U", "bench"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        argv = [*become, installed("postgres"), "-D", data, "-k", folder, "-c", "listen_addresses="]
        server = subprocess.Popen(argv, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            address = f"host={folder} user=bench dbname=postgres"
            until(lambda: subprocess.run([installed("pg_isready"), "-q", "-h", folder], check=False).returncode == 0)
            yield address
        finally:
            server.terminate()
            server.wait()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a server that starts."""
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the server did not start")
        time.sleep(0.02)


async def submit_all(tasks: int, submit: Callable[[int], Awaitable[object]]) -> None:
    """One call for each task, as many at once as there are workers."""
    numbers = iter(range(tasks))

    async def some() -> None:
        for number in numbers:
            await submit(number)

    await asyncio.gather(*(some() for _ in range(WORKERS)))


def huey(tasks: int) -> float:
    """Huey on SQLite, threads."""
    from huey import SqliteHuey

    count = Count(tasks)
    with tempfile.TemporaryDirectory() as folder:
        queue = SqliteHuey(filename=f"{folder}/huey.db")

        @queue.task()
        def nothing(number: int) -> None:
            count.one()

        consumer = queue.create_consumer(workers=WORKERS, worker_type="thread", periodic=False)
        consumer.start()
        began = time.perf_counter()
        for number in range(tasks):
            nothing(number)
        asyncio.run(count.wait())
        seconds = time.perf_counter() - began
        consumer.stop(graceful=True)
        return seconds


def saq(tasks: int) -> float:
    """SAQ on Redis."""
    from redis.asyncio import from_url
    from saq import Worker
    from saq.queue.redis import RedisQueue

    async def run(address: str) -> float:
        count, queue = Count(tasks), RedisQueue(from_url(address))

        async def nothing(context: object, number: int) -> None:
            count.one()

        worker = Worker(queue, functions=[("nothing", nothing)], concurrency=WORKERS)
        await queue.connect()
        working = asyncio.create_task(worker.start())
        began = time.perf_counter()
        await submit_all(tasks, lambda number: queue.enqueue("nothing", number=number))
        await count.wait()
        seconds = time.perf_counter() - began
        await worker.stop()
        await working
        await queue.disconnect()
        return seconds

    with redis_server() as address:
        return asyncio.run(run(address))


def taskiq(tasks: int) -> float:
    """Taskiq on Redis streams, which acknowledge."""
    from taskiq.api import run_receiver_task
    from taskiq_redis import RedisStreamBroker

    async def run(address: str) -> float:
        count, broker = Count(tasks), RedisStreamBroker(address)

        @broker.task
        async def nothing(number: int) -> None:
            count.one()

        broker.is_worker_process = True
        await broker.startup()
        working = asyncio.create_task(run_receiver_task(broker, max_async_tasks=WORKERS))
        began = time.perf_counter()
        await submit_all(tasks, nothing.kiq)
        await count.wait()
        seconds = time.perf_counter() - began
        working.cancel()
        await asyncio.wait([working])
        await broker.shutdown()
        return seconds

    with redis_server() as address:
        return asyncio.run(run(address))


def procrastinate(tasks: int) -> float:
    """Procrastinate on PostgreSQL."""
    from procrastinate import App, PsycopgConnector

    async def run(address: str) -> float:
        count, app = Count(tasks), App(connector=PsycopgConnector(conninfo=address, max_size=WORKERS))

        @app.task(name="nothing")
        async def nothing(number: int) -> None:
            count.one()

        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            working = asyncio.create_task(app.run_worker_async(concurrency=WORKERS, install_signal_handlers=False))
            began = time.perf_counter()
            await submit_all(tasks, lambda number: nothing.defer_async(number=number))
            await count.wait()
            seconds = time.perf_counter() - began
            working.cancel()
            await asyncio.wait([working])
        return seconds

    with postgres_server() as address:
        return asyncio.run(run(address))


def dbos(tasks: int) -> float:
    """DBOS on SQLite, a workflow each, asked for every 20 ms instead of every second."""
    from dbos import DBOS

    count = Count(tasks)
    with tempfile.TemporaryDirectory() as folder:
        DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{folder}/dbos.sqlite", "log_level": "ERROR", "run_admin_server": False})

        @DBOS.workflow()
        def nothing(number: int) -> None:
            count.one()

        DBOS.launch()
        DBOS.register_queue("bench", concurrency=WORKERS, polling_interval_sec=0.02)
        began = time.perf_counter()
        for number in range(tasks):
            DBOS.enqueue_workflow("bench", nothing, number)
        asyncio.run(count.wait())
        seconds = time.perf_counter() - began
        DBOS.destroy()
        return seconds


PEERS: dict[str, tuple[Callable[[int], float], tuple[str, ...]]] = {
    "huey": (huey, ("huey",)),
    "saq": (saq, ("saq",)),
    "taskiq": (taskiq, ("taskiq", "taskiq-redis")),
    "procrastinate": (procrastinate, ("procrastinate",)),
    "dbos": (dbos, ("dbos",)),
}


def main(name: str, tasks: int) -> int:
    """Run one peer."""
    logging.disable(logging.CRITICAL)
    peer, packages = PEERS[name]
    seconds = peer(tasks)
    what = f"{peer.__doc__ or name} ({', '.join(f'{package} {version(package)}' for package in packages)})"
    print(json.dumps({"tasks": tasks, "seconds": seconds, "what": what}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000))
