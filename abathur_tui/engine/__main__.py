"""`python -m abathur_tui.engine --project DIR`: the engine's process, beside its guard."""

import argparse
import sys
from pathlib import Path

from abathur_tui.guard import GuardPipe, Keys, run_engine


def main() -> int:
    """Run an engine to its end."""
    parser = argparse.ArgumentParser(prog="python -m abathur_tui.engine", description="Works off the queue of a project.")
    parser.add_argument("--project", type=Path, required=True, help="the project's folder")
    parser.add_argument("--data", type=Path, help="the project's .abathur folder, where it is not in the project's")
    parser.add_argument("--stay", action="store_true", help="do not end when idle")
    parser.add_argument("--drain", action="store_true", help="end when nothing is left that could run")
    parser.add_argument("--standby", action="store_true", help="where another engine is active, wait for its turn")
    parser.add_argument("--attended", metavar="MARK", help="by this, whoever has started it finds it, and one that is started again in its place")
    parser.add_argument("--keys", action="store_true", help="read API keys from standard input: a JSON object, by fingerprint")
    options = parser.parse_args()

    def child(guard: GuardPipe, keys: Keys) -> int | None:
        # Only now, beside its guard: what the engine needs takes a tenth of a second and more to import.
        from abathur_tui.engine.equipment import Manner
        from abathur_tui.engine.process import serve

        manner = Manner(options.stay, options.drain, options.standby)
        return serve(options.project, options.data, manner, options.attended, options.keys, guard, keys)

    return run_engine(child)


if __name__ == "__main__":
    sys.exit(main())
