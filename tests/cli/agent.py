"""An agent for the command runtime: does what its prompt says, one word at a time.

`SAY text` prints the rest of the line; `WAIT file` waits until that file is there; `FAIL` ends with 1; `AGAIN` ends with 75 at the first
attempt; `ENV name` prints a variable; `TERM-PROOF` ignores SIGTERM. Anything else is answered with `done: ` and its first line.
"""

import os
import re
import signal
import sys
import time
from pathlib import Path


def main() -> int:
    """Read the prompt, act, answer."""
    prompt = sys.stdin.read()
    print("reading the prompt", file=sys.stderr, flush=True)
    acted = False
    for verb, argument in re.findall(r"(SAY|WAIT|FAIL|AGAIN|ENV|TERM-PROOF)\b ?([^\n;]*)", prompt):
        acted = True
        match verb:
            case "SAY":
                print(argument.encode().decode("unicode_escape"), flush=True)
            case "WAIT":
                while not Path(argument.strip()).exists():
                    time.sleep(0.01)
            case "FAIL":
                print("this cannot be done", file=sys.stderr)
                return 1
            case "AGAIN" if os.environ["ABATHUR_ATTEMPT"] == "1":
                return 75
            case "ENV":
                print(os.environ.get(argument.strip(), "(not set)"), flush=True)
            case "TERM-PROOF":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            case _:
                pass
    if not acted:
        print(f"done: {prompt.strip().splitlines()[0]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
