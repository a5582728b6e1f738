"""Text of models, files and servers is shown, never obeyed: everything that the screen writes to a real terminal is looked at."""

import re
from pathlib import Path

from abathur_tui.domain.conversation import ToolOutcome
from abathur_tui.domain.plan import Edge, Kind
from abathur_tui.domain.status import Status, Why
from abathur_tui.project import Project
from abathur_tui.storage import journal, queue
from tests.screen.conftest import ENVIRONMENT
from tests.screen.terminal import Terminal
from tests.screen.worlds import LOOP, NOW, RUNTIME, World, node

HOSTILE = (
    "\x1b]52;c;SE9TVElMRQ==\x1b\\",  # writes the clipboard
    "\x1b]0;owned\x07",  # sets the window's title
    "\x1b[2J\x1b[31337H",  # clears, moves
    "\x1bP+q544e\x1b\\",  # asks the terminal to type
    "\x1b[6n\x1b[c\x05",
    "\x9b2J\x90\x9d",  # the same as C1 controls
    "\x7f\x08\x08\x0b\x0c\r",
    "\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\",  # a link
    "\u202egnp.exe\u2066\u061c\u200f",  # reads backwards
    "\u200b\u2060\ufeff\u2028",  # shows nothing
    "\U000e0041\U000e0042",  # tags
    "[/nope][bold red]",  # markup
    "[@click=app.quit]x[/]",
    "[link=http://evil.example]y[/link]",
    "$role-alert {{ 7*7 }} %s",
)
ALL = "".join(HOSTILE)
ALLOWED = re.compile(
    r"\x1b\[[0-9;]*m"  # colours
    r"|\x1b\[\d+;\d+H"  # places
    r"|\x1b\[\?\d+[hl]"  # modes
    r"|\x1b\[\?\d+\$p"  # questions about modes
    r"|\x1b\[[<>]\d*u"  # the keyboard
    r"|\x1b\]22;[a-z]+\x07"  # the mouse pointer's shape
)
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def hostile(world: World) -> None:
    """All foreign text that there is holds the whole list."""
    world.engine()
    loop = world.submit(node(f"LOOPNAME{ALL}", agent=f"optimizer{ALL}", kind=Kind.LOOP, loop=LOOP, priority=9), age=720, source=ALL)
    world.claim()
    (looping,) = loop.values()
    world.passes(looping, (300.0, 200.0))
    made = world.submit(
        node(f"NAME{ALL}", id="a", agent=f"agent{ALL}", parameters={"prompt": f"PROMPT{ALL}"}, priority=10, tags=(f"tag{ALL}",)),
        node(f"OTHER{ALL}", id="b", agent=f"agent{ALL}"),
        node("last", id="c"),
        edges=[Edge("c", "a"), Edge("c", "b")],
    )
    world.claim()
    task, other = made["a"], made["b"]
    agent = world.agent(task, f"DEFINITION{ALL}", doing=f"DOING{ALL}", turn=1)
    turn = world.turn(task, agent, f"SAID{ALL}\nsecond {ALL}")
    world.tool(task, turn, f"TOOL{ALL}", {f"key{ALL}": f"ARGUMENT{ALL}"}, ToolOutcome(f"OUTCOME{ALL}\n{ALL}", summary=f"SUMMARY{ALL}"))
    world.do(journal.log, world.held[task], "info", "stderr", f"STDERR{ALL}", NOW - 5)
    world.speaks(other, None, f"SPEAKING{ALL}")
    world.complete(
        task, f"# RESULT{ALL}\n\n- {ALL}\n\n```python\n{ALL}\n```\n\n| {ALL} | b |\n|---|---|\n| {ALL} | `{ALL}` |\n\n[{ALL}](http://x/{ALL})\n"
    )
    world.fail(other, "ABTH-ERR-046", f"ERROR{ALL}", Status.DEAD)
    world.submit(node(f"HELD{ALL}", priority=8))
    world.do(queue.hold_lane, RUNTIME.lane, Why.KEY, None, f"LANE{ALL}", "engine", NOW)


def test_nothing_foreign_drives_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "FOLDER\x1b]52;c;SE9T\x07[bold]\u202e"
    folder.mkdir()
    with Project.open(folder, create=True, environ=ENVIRONMENT) as project:
        hostile(World(project.database))
    with Terminal(folder, size=(150, 44)) as terminal:
        terminal.until(lambda display: all(word in display for word in ("FOLDER␛", "NAME␛", "DEFINITION", "STDERR␛", "LOOPNAME␛", "key refused")))
        terminal.type("3z")
        terminal.until("TOOL␛")
        for words in ("SAID␛", "SUMMARY", "[/nope]", "[@click=app.quit]x[/]", "LANE␛", "ERROR␛"):
            terminal.until(words)
        terminal.type("z2z")
        terminal.until(lambda display: "DEFINITION␛" in display and "STDERR" not in display)
        terminal.type("z1")
        terminal.type("l")  # its log only: the name stands in the border
        terminal.until(lambda display: "3 logs   NAME␛" in display)
        terminal.type("\x1b")
        terminal.until("3 logs   all")
        terminal.type("1\r")
        terminal.until("RESULT␛")
        terminal.type("\t")
        for words in ("PROMPT␛", "ARGUMENT␛", "OUTCOME␛"):
            terminal.until(words)
        terminal.type("\t")
        terminal.until("tool.done")
        terminal.type("\t")
        terminal.until(lambda display: "tag␛" in display and "parameters" in display)
        terminal.type("\x1b")
        terminal.until("priority ↓")
        terminal.type("v*x")
        terminal.until("Cancel")
        terminal.type("n")
        terminal.until(lambda display: "Cancel" not in display, again=lambda: terminal.type("n"))
        terminal.type("/")
        terminal.until("words, status")
        terminal.paste(f"TYPED{ALL}")
        terminal.until("TYPED]52", again=lambda: terminal.paste(f"TYPED{ALL}"))
        terminal.type("\x1b")
        terminal.until(lambda display: "TYPED" not in display)
        terminal.type("c")
        terminal.until("enter submit")
        broken = f'ABYSSAL[X{ALL}]("PASTED{ALL}")'
        terminal.paste(broken)
        terminal.until("ABTH-ERR-11", again=lambda: terminal.paste(broken))
        terminal.type("\x1b")
        terminal.until("priority ↓")
        terminal.type("r")  # some are refused: a notice
        terminal.until("refused")
        terminal.type("?")
        terminal.until("everywhere")
        terminal.type("\x1b")
        terminal.until(lambda display: "everywhere" not in display)
        assert terminal.leaves() == 0
        written = terminal.written.decode()
    rest = ALLOWED.sub("", written)
    assert "\x1b" not in rest, re.findall("\x1b.{0,20}", rest)[:5]
    assert FORBIDDEN.search(rest) is None, ascii(FORBIDDEN.findall(rest)[:5])
