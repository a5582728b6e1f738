"""How a command ends: whatever goes wrong in it becomes one error and one exit code."""

from collections.abc import Callable

from abathur_tui.cli import mistakes, output
from abathur_tui.cli.shared_options import Invocation
from abathur_tui.domain.errors import Exit


def finish(call: Invocation, command: Callable[[], int]) -> int:
    """Run a command; gives its exit code. No exception leaves it."""
    output.prepare()
    try:
        code = command()
        output.flush()
        return code
    except (output.OutputClosed, BrokenPipeError):
        return output.closed()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        return mistakes.report(error, call)
    finally:
        output.forget_unwritten()
