"""The embedded model's server, a program of its own: `python -P -m abathur_tui.runtimes.local_server`.

A token and the engine's process id come as the first line of standard input; one JSON line goes to standard output when it is ready (or
cannot be): an address on loopback, and what a turn may take. All else that the library prints goes to standard error. It ends with its parent.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from abathur_tui.domain.data import JsonObject
from abathur_tui.runtimes.choice import EMBEDDED_MODEL, model_file

SLOTS = 4
"""Turns that are worked on at once: with more, each waits longer for its first word, and none is done sooner."""
SLOT_TOKENS = 3072
"""Prompt and answer of one turn. The model was trained on 8192; a slot's memory costs 23 KB a token."""
_MOST_THREADS = 8
_PARENT_SECONDS = 0.5
"""How often it looks whether its parent still lives."""


def main() -> int:
    """Serve until ended; the exit code is 1 where that cannot be."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is the engine's business
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    token, engine = sys.stdin.readline().split()
    threading.Thread(target=_end_with, args=(int(engine),), name="parent watch", daemon=True).start()
    with contextlib.suppress(OSError):
        os.nice(5)  # it takes every core while it answers, and the screen comes first
    try:
        address = _start(token)
        ready: JsonObject = {"address": address, "slots": SLOTS, "slot_tokens": _slot_tokens(address, token), "model": EMBEDDED_MODEL}
    except Exception as error:  # whatever it is, the engine must hear of it
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=told, flush=True)
        return 1
    print(json.dumps(ready), file=told, flush=True)
    while True:
        signal.pause()


def _start(token: str) -> str:
    """The address of the server, which lives in threads of its own from here on."""
    path = model_file()
    if path is None:
        raise FileNotFoundError("the model's file is not installed")
    # Threads that wait by spinning make it ten times slower on a machine that has other work, and everything else slow too.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    xllamacpp: Any = importlib.import_module("xllamacpp")  # 100 MB, untyped, and not installed everywhere
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {EMBEDDED_MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [token]
    params.ui = False
    params.use_jinja = True
    params.verbosity = 0
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * SLOT_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
    params.cache_ram_mib = 0  # else it keeps up to 8 GB of old prompts
    # Greedy, a model of this size says the same sentence for ever.
    params.sampling.temp = 0.3
    params.sampling.top_p = 0.9
    params.sampling.min_p = 0.1
    params.sampling.penalty_repeat = 1.1
    params.sampling.penalty_last_n = 128
    params.sampling.dry_multiplier = 0.5
    params.sampling.dry_allowed_length = 6
    params.sampling.dry_penalty_last_n = 1024
    global _server  # the library ends the server with the object
    _server = xllamacpp.Server(params)
    return str(_server.listening_address)


_server: Any = None


def _slot_tokens(address: str, token: str) -> int:
    """What a slot takes, by the server's own word."""
    request = urllib.request.Request(f"{address}/props", headers={"x-api-key": token})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
        props: object = json.load(response)
    settings = props.get("default_generation_settings") if isinstance(props, Mapping) else None
    context = settings.get("n_ctx") if isinstance(settings, Mapping) else None
    if not isinstance(context, int):
        raise ValueError("the server does not tell its context")
    return context


def _threads() -> int:
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(usable, _MOST_THREADS)


def _end_with(engine: int) -> None:
    """End this process with its parent; the engine may be gone before this one has begun."""
    while os.getppid() == engine:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
