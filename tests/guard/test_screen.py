"""A screen that is stopped, ended or killed leaves a usable terminal and nothing running, in a shell with job control and without."""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.alive import alive
from tests.guard.terminal import Terminal
from tests.waiting import eventually

BASH = ("bash", "--norc", "--noprofile", "-i")
DASH = ("dash", "-i")
ALL_ON = {"1049", "1000", "1003", "1015", "1006", "25", "1004", "keyboard", "2004", "7"}

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")


@dataclass(frozen=True, slots=True)
class Pair:
    """The two processes of a screen."""

    child: int
    parent: int

    def gone(self) -> bool:
        """Whether neither of them runs."""
        return not alive(self.child) and not alive(self.parent)


class Bench:
    """A terminal in which the small screen is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._terminals: list[Terminal] = []

    def open(self, *shell: str) -> Terminal:
        """A terminal with that shell."""
        self._terminals.append(Terminal(self.folder, *shell))
        return self._terminals[-1]

    def command(self, style: str = "raw") -> str:
        """The command line that starts the small screen."""
        return f"{sys.executable} -m tests.guard.small_screen {self.folder} {style}"

    def start(self, terminal: Terminal, style: str = "raw") -> Pair:
        """Start it from the prompt, and wait until it has the screen."""
        terminal.run(self.command(style) + "; echo code=$?")
        return self.pair()

    def pair(self) -> Pair:
        """The processes of the one that has just been started."""
        eventually((self.folder / "pids").exists)
        pair = Pair(*map(int, (self.folder / "pids").read_text().split()))
        (self.folder / "pids").unlink()
        return pair

    def setups(self) -> int:
        """How many times the screen was taken."""
        return len((self.folder / "setups").read_text().splitlines())

    def end(self) -> None:
        """Close all windows."""
        for terminal in self._terminals:
            terminal.hang_up()
            terminal.shell.kill()
            terminal.shell.wait()
        eventually(lambda: not [process for process in psutil.process_iter(["cmdline"]) if str(self.folder) in (process.info["cmdline"] or ())])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.end()


@pytest.fixture(params=[BASH, DASH], ids=["bash", "dash"])
def terminal(request: pytest.FixtureRequest, bench: Bench) -> Terminal:
    return bench.open(*request.param)


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("e", 7), ("x", 1)])
def test_the_exit_code_is_the_screens(bench: Bench, terminal: Terminal, key: str, code: int) -> None:
    pair = bench.start(terminal)
    assert pair.child != pair.parent
    eventually(lambda: terminal.modes() == ALL_ON)

    terminal.type(key)

    terminal.expect(f"code={code}\r\n")
    eventually(lambda: terminal.modes() == set())
    assert pair.gone()
    assert terminal.has_shown("crashed on purpose") == (key == "x")


def test_a_killed_screen_leaves_a_usable_terminal(bench: Bench, terminal: Terminal) -> None:
    pair = bench.start(terminal)

    os.kill(pair.child, signal.SIGKILL)

    terminal.expect("code=137\r\n")
    eventually(lambda: terminal.modes() == set())
    terminal.run("echo us''able")
    terminal.expect("usable\r\n")
    assert pair.gone()


def test_a_killed_parent_leaves_a_usable_terminal_and_no_screen(bench: Bench, terminal: Terminal) -> None:
    pair = bench.start(terminal)

    os.kill(pair.parent, signal.SIGKILL)

    terminal.expect("code=137\r\n")
    eventually(pair.gone)
    eventually(lambda: terminal.modes() == set())
    terminal.run("echo us''able")
    terminal.expect("usable\r\n")


@pytest.mark.parametrize("victim", ["child", "parent"])
def test_without_job_control_the_settings_are_the_first_ones_again(bench: Bench, victim: str) -> None:
    terminal = bench.open("sh", "-c", f"{bench.command()}; echo code=$?; sleep 60")
    pair = bench.pair()
    assert terminal.attributes() != terminal.first_attributes

    os.kill(getattr(pair, victim), signal.SIGKILL)

    terminal.expect("code=137\r\n")
    eventually(pair.gone)
    eventually(lambda: terminal.attributes() == terminal.first_attributes)
    eventually(lambda: terminal.modes() == set())


def test_a_suspended_screen_gives_the_terminal_to_the_shell_and_comes_back_once(bench: Bench, terminal: Terminal) -> None:
    pair = bench.start(terminal)
    for times in (1, 2, 3):
        terminal.type("\x1a")
        terminal.expect("Stopped")
        eventually(lambda: terminal.modes() == set())
        terminal.run("echo us''able")
        terminal.expect("usable\r\n")

        terminal.run("fg")

        eventually(lambda: terminal.modes() == ALL_ON)
        terminal.type("k")
        terminal.expect("<key 6b>")
        assert bench.setups() == times + 1
    terminal.type("e")
    eventually(pair.gone)
    eventually(lambda: terminal.modes() == set())


def test_ctrl_z_stops_a_screen_that_has_left_it_to_the_terminal(bench: Bench, terminal: Terminal) -> None:
    pair = bench.start(terminal, "cooked")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.run("fg")
    terminal.expect("small_screen")
    terminal.type("k\r")  # The shell has set the terminal to whole lines.
    terminal.expect("<key 6b>")
    terminal.type("q\r")
    eventually(pair.gone)


def test_ctrl_c_is_the_screens_affair(bench: Bench, terminal: Terminal) -> None:
    pair = bench.start(terminal)
    terminal.type("\x03")
    terminal.expect("<key 03>")
    terminal.type("q")
    terminal.expect("code=0\r\n")
    assert pair.gone()

    pair = bench.start(terminal, "cooked")
    terminal.type("\x03")
    terminal.expect("code=130\r\n")
    assert pair.gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_term_and_hup_are_passed_on(bench: Bench, terminal: Terminal, number: signal.Signals) -> None:
    pair = bench.start(terminal)
    os.kill(pair.parent, number)
    terminal.expect(f"code={128 + number}\r\n")
    eventually(lambda: terminal.modes() == set())
    assert pair.gone()


def test_a_screen_that_does_not_hear_term_is_killed(bench: Bench, terminal: Terminal) -> None:
    pair = bench.start(terminal, "stubborn")
    os.kill(pair.parent, signal.SIGTERM)
    terminal.expect("code=137\r\n")
    eventually(lambda: terminal.modes() == set())
    assert pair.gone()


def test_a_closed_window_ends_both(bench: Bench, terminal: Terminal) -> None:
    pair = bench.start(terminal, "stubborn")
    terminal.hang_up()
    eventually(pair.gone)


@pytest.mark.parametrize("victim", ["child", "parent"])
def test_a_stopped_screen_can_be_killed(bench: Bench, victim: str) -> None:
    terminal = bench.open(*BASH)
    pair = bench.start(terminal)
    terminal.type("\x1a")
    terminal.expect("Stopped")

    os.kill(getattr(pair, victim), signal.SIGKILL)

    if victim == "child":
        terminal.run("fg")
    eventually(pair.gone)
    eventually(lambda: terminal.modes() == set())


def test_stopping_only_the_screen_stops_both_and_continuing_only_the_parent_continues_both(bench: Bench) -> None:
    terminal = bench.open(*BASH)
    pair = bench.start(terminal, "cooked")
    os.kill(pair.child, signal.SIGSTOP)
    terminal.expect("Stopped")
    terminal.run("echo us''able")
    terminal.expect("usable\r\n")
    os.kill(pair.parent, signal.SIGCONT)
    # In the background it stops again as soon as it reads; in the foreground it is back.
    terminal.run("fg")
    terminal.expect("small_screen")
    terminal.type("k\r")
    terminal.expect("<key 6b>")
    terminal.type("q\r")
    eventually(pair.gone)


def test_a_screen_that_is_stopped_where_no_shell_could_continue_it_goes_on(bench: Bench) -> None:
    terminal = bench.open("sh", "-c", f"{bench.command()}; echo code=$?; sleep 60")
    pair = bench.pair()
    os.kill(pair.child, signal.SIGSTOP)
    eventually(lambda: bench.setups() == 2)
    terminal.type("e")
    terminal.expect("code=7\r\n")
    assert pair.gone()


@pytest.mark.parametrize("style", ["raw", "cooked", "stubborn"])
def test_a_window_that_closes_over_a_stopped_screen_leaves_nothing(bench: Bench, style: str) -> None:
    terminal = bench.open(*BASH)
    pair = bench.start(terminal, style)
    os.kill(pair.child, signal.SIGSTOP)
    terminal.expect("Stopped")
    terminal.hang_up()
    eventually(pair.gone)


def test_a_screen_in_the_background_waits_for_the_terminal(bench: Bench) -> None:
    terminal = bench.open(*BASH)
    terminal.run("set -b; " + bench.command("cooked") + " &")
    terminal.run("echo us''able")
    terminal.expect("usable\r\n")
    terminal.expect("Stopped")  # With `set -b`, bash says so at once, after its prompt.
    terminal.type("fg\r")
    terminal.expect("small_screen")
    pair = bench.pair()
    terminal.type("q\r")
    eventually(pair.gone)
    eventually(lambda: terminal.modes() == set())


def test_textual_itself_is_suspended_continued_and_killed(bench: Bench) -> None:
    terminal = bench.open(*BASH)
    terminal.run(f"{sys.executable} -m tests.guard.textual_screen {bench.folder}; echo code=$?")
    pair = bench.pair()
    eventually(lambda: {"1049", "1003", "keyboard"} <= terminal.modes())
    for _ in range(2):
        terminal.type("\x1a")
        terminal.expect("Stopped")
        eventually(lambda: terminal.modes() == set())
        terminal.run("fg")
        eventually(lambda: {"1049", "1003", "keyboard"} <= terminal.modes())

    os.kill(pair.child, signal.SIGKILL)

    eventually(pair.gone)
    eventually(lambda: terminal.modes() == set())
    terminal.run("echo us''able")
    terminal.expect("usable\r\n")


@pytest.mark.parametrize(("redirection", "code"), [("", 20), ("<$in", 10), (">$in.out", 10), ("<&-", 10), (">&-", 10)])
def test_without_a_terminal_there_is_no_guard(bench: Bench, redirection: str, code: int) -> None:
    # The small screen's `where` gives 20 in a forked child, 10 in the process that was started.
    (bench.folder / "in").touch()
    terminal = bench.open("sh", "-c", f"command='{bench.command('where')}'; in={bench.folder}/in; $command {redirection}; echo code=$? >&2; sleep 60")
    terminal.expect(f"code={code}\r\n")


def test_killing_either_at_random_moments_leaves_a_usable_terminal(bench: Bench) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    print(f"seed {seed}")
    terminal = bench.open(*BASH)
    for _ in range(6):
        terminal.run(bench.command() + "; echo code=$?")
        eventually(terminal.members_of_the_job)
        time.sleep(chance.uniform(0, 0.3))  # The random moment.
        members = terminal.members_of_the_job()
        os.kill(chance.choice(members), signal.SIGKILL)
        terminal.expect("code=137\r\n")
        eventually(lambda members=members: not any(map(alive, members)))  # type: ignore[misc]
        eventually(lambda: terminal.modes() == set())
