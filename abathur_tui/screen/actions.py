"""The one registry of actions: bindings, footer, help, palette, `:` commands and `docs/keys.md` are all made of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType


class Where(StrEnum):
    """Where an action's keys work; the value is its heading in the help."""

    EVERYWHERE = "everywhere"
    LISTS = "lists"
    TASKS = "tasks"
    AGENTS = "agents"
    LOGS = "logs"
    CONVERGENCE = "convergence"
    TASK_SCREEN = "a task's screen"
    NEW = "new"
    ANSWERING = "answering"
    DIALOGS = "questions"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person can do."""

    name: str
    """Stable: key maps, `:` commands and handlers (`action_` and the name with `_` for `.`) use it."""
    title: str
    """A word or two: footer and palette."""
    help: str
    where: Where
    keys: tuple[str, ...]
    """The default keys; the first is the one that is shown."""
    rank: int = 0
    """Its place in the footer, 1 first; 0: not in the footer."""
    asks: bool = False
    """Whether it asks before it does anything."""
    beside: str = ""
    """The action whose key the footer shows together with this one's."""
    listed: bool = True
    """Whether palette and `:` offer it (moving the cursor is not worth a line there)."""

    @property
    def method(self) -> str:
        """The name of the method that does it."""
        return "action_" + self.name.replace(".", "_")


def _moves(name: str, title: str, help: str, *keys: str) -> Action:
    return Action(name, title, help, Where.LISTS, keys, listed=False)


ACTIONS: tuple[Action, ...] = (
    Action("pane.queue", "queue", "Go to the queue.", Where.EVERYWHERE, ("1",)),
    Action("pane.agents", "agents", "Go to the agents.", Where.EVERYWHERE, ("2",)),
    Action("pane.logs", "logs", "Go to the logs.", Where.EVERYWHERE, ("3",)),
    Action("pane.convergence", "convergence", "Go to the loops' convergence.", Where.EVERYWHERE, ("4",)),
    Action("pane.next", "next pane", "Go to the next pane.", Where.EVERYWHERE, ("tab",), rank=95, listed=False),
    Action("pane.previous", "previous pane", "Go to the previous pane.", Where.EVERYWHERE, ("shift+tab",), listed=False),
    Action("pane.zoom", "zoom", "Let this pane fill the screen, or give the others their place back.", Where.EVERYWHERE, ("z",), rank=92),
    Action("pane.left", "divider left", "Move the divider between the panes to the left.", Where.EVERYWHERE, ("ctrl+left",), listed=False),
    Action("pane.right", "divider right", "Move the divider between the panes to the right.", Where.EVERYWHERE, ("ctrl+right",), listed=False),
    Action("pane.up", "divider up", "Move the divider below the upper panes up.", Where.EVERYWHERE, ("ctrl+up",), listed=False),
    Action("pane.down", "divider down", "Move the divider below the upper panes down.", Where.EVERYWHERE, ("ctrl+down",), listed=False),
    Action("task.new", "new", "Write a prompt or an ABYSSAL document, see its plan, and submit it.", Where.EVERYWHERE, ("c",), rank=60),
    Action("engine.start", "start engine", "Start an engine for the work that waits.", Where.EVERYWHERE, ("E",), rank=8),
    Action("queue.pause", "pause queue", "Let nothing new start in all of the project; what runs goes on.", Where.EVERYWHERE, ("P",)),
    Action("queue.resume", "resume queue", "Let the paused queue go on.", Where.EVERYWHERE, ("R",), rank=7),
    Action("screen.theme", "light or dark", "Change between the dark and the light theme.", Where.EVERYWHERE, ("D",)),
    Action("screen.command", "command", "Type an action's name.", Where.EVERYWHERE, (":",), rank=93, listed=False),
    Action("screen.palette", "palette", "Search all that can be done here.", Where.EVERYWHERE, ("ctrl+p",), listed=False),
    Action("screen.suspend", "suspend", "Back to the shell for a while; `fg` there returns.", Where.EVERYWHERE, ("ctrl+z",)),
    Action("screen.help", "help", "All keys of this place and of all others.", Where.EVERYWHERE, ("?",), rank=90),
    Action(
        "screen.leave",
        "leave",
        "Leave; where work is going on, the engine goes on with it or is stopped.",
        Where.EVERYWHERE,
        ("q", "ctrl+q", "ctrl+c"),
        rank=91,
        asks=True,
    ),
    _moves("list.down", "down", "One line down.", "j", "down"),
    _moves("list.up", "up", "One line up.", "k", "up"),
    _moves("list.top", "top", "To the first line.", "g", "home"),
    _moves("list.bottom", "bottom", "To the last line.", "G", "end"),
    _moves("list.page_down", "half a page down", "Half a page down.", "ctrl+d", "pagedown"),
    _moves("list.page_up", "half a page up", "Half a page up.", "ctrl+u", "pageup"),
    Action("list.open", "open", "Open what the cursor is on.", Where.LISTS, ("enter",), rank=1),
    Action("list.back", "back", "Close, or go one step back: filter, marks, chosen agent, zoom.", Where.LISTS, ("escape",), rank=80, listed=False),
    Action("list.copy", "copy", "Copy it to the terminal's clipboard (over SSH too).", Where.LISTS, ("y",)),
    Action("task.answer", "answer", "Answer what the marked tasks, or the cursor's, ask you.", Where.TASKS, ("a",), rank=2),
    Action("task.cancel", "cancel", "Cancel the marked tasks, or the cursor's, with all below them.", Where.TASKS, ("x",), rank=10, asks=True),
    Action("task.retry", "retry", "Retry failed, dead or cancelled tasks; what failed because of them comes back too.", Where.TASKS, ("r",), rank=11),
    Action("task.pause", "pause", "Pause the tasks, or let paused ones go on.", Where.TASKS, ("p",), rank=12),
    Action("task.higher", "priority up", "Raise the priority by one.", Where.TASKS, ("+", "="), rank=13, beside="task.lower"),
    Action("task.lower", "priority down", "Lower the priority by one.", Where.TASKS, ("-",)),
    Action("task.log", "log", "Show only this task's log.", Where.TASKS, ("l",), rank=20),
    Action("task.mark", "mark", "Mark the task, or take its mark away.", Where.TASKS, ("space",), rank=9, listed=False),
    Action("task.range", "mark a range", "Mark from here to where the cursor goes.", Where.TASKS, ("v",), listed=False),
    Action("task.mark_all", "mark all", "Mark all that is shown, or take all marks away.", Where.TASKS, ("*",)),
    Action("task.dead", "dead letters", "Show only dead letters that wait for a decision, or all again.", Where.TASKS, ("d",)),
    Action("task.clear", "clear", "Leave dead letters as they are: they wait for no decision any more.", Where.TASKS, ("C",), rank=12, asks=True),
    Action(
        "task.filter",
        "filter",
        "Show only tasks with these words, `status:failed`, `template:CODE`, `agent:tester` or `tag:x`.",
        Where.TASKS,
        ("/",),
        rank=61,
    ),
    Action("task.next_match", "next match", "To the next task that the last filter matches.", Where.TASKS, ("n",), listed=False),
    Action("task.previous_match", "previous match", "To the previous task that the last filter matches.", Where.TASKS, ("N",), listed=False),
    Action("task.sort", "sort", "Sort by the next column: priority, age, status, name, cost.", Where.TASKS, ("s",), rank=62),
    Action("task.next_tab", "next tab", "Show the next saved filter.", Where.TASKS, ("]",), rank=64),
    Action("task.previous_tab", "previous tab", "Show the saved filter before.", Where.TASKS, ("[",)),
    Action("task.save_filter", "save filter", "Keep the filter as a tab, or take its tab away.", Where.TASKS, ("S",), rank=63),
    Action("agent.log", "log", "Show only what this agent says and does.", Where.AGENTS, ("l",), rank=10),
    Action("agent.fold", "fold", "Fold an execution's agents, or unfold them.", Where.AGENTS, ("space",), rank=11),
    Action("log.follow", "follow", "Stay at the newest line, or stop there.", Where.LOGS, ("f",), rank=10),
    Action("log.wrap", "wrap", "Wrap long lines, or cut them.", Where.LOGS, ("w",), rank=11),
    Action("log.level", "level", "Show all, information and up, or warnings and up.", Where.LOGS, ("L",), rank=12),
    Action("log.search", "search", "Search for words in what is shown.", Where.LOGS, ("/",), rank=15),
    Action("log.next_match", "next match", "To the next line that has the words.", Where.LOGS, ("n",), listed=False),
    Action("log.previous_match", "previous match", "To the line before that has the words.", Where.LOGS, ("N",), listed=False),
    Action("log.previous", "previous agent", "Show the previous agent's log.", Where.LOGS, ("[",), rank=14),
    Action("log.next", "next agent", "Show the next agent's log.", Where.LOGS, ("]",), rank=13),
    Action("loop.previous", "previous loop", "Show the previous loop.", Where.CONVERGENCE, ("[",), rank=11),
    Action("loop.next", "next loop", "Show the next loop.", Where.CONVERGENCE, ("]",), rank=10),
    Action("loop.metric", "metric", "Show the next metric.", Where.CONVERGENCE, ("m",), rank=12),
    Action("loop.axis", "axis", "By pass, by time, or by cost.", Where.CONVERGENCE, ("x",), rank=13),
    Action("tab.next", "next tab", "To the next tab.", Where.TASK_SCREEN, ("tab", "]", "right"), rank=1),
    Action("tab.previous", "previous tab", "To the previous tab.", Where.TASK_SCREEN, ("shift+tab", "[", "left")),
    Action("tab.down", "down", "One line down.", Where.TASK_SCREEN, ("j", "down"), listed=False),
    Action("tab.up", "up", "One line up.", Where.TASK_SCREEN, ("k", "up"), listed=False),
    Action("tab.top", "top", "To the beginning.", Where.TASK_SCREEN, ("g", "home"), listed=False),
    Action("tab.bottom", "bottom", "To the end.", Where.TASK_SCREEN, ("G", "end"), listed=False),
    Action("tab.page_down", "half a page down", "Half a page down.", Where.TASK_SCREEN, ("ctrl+d", "pagedown"), listed=False),
    Action("tab.page_up", "half a page up", "Half a page up.", Where.TASK_SCREEN, ("ctrl+u", "pageup"), listed=False),
    Action("tab.copy", "copy", "Copy this tab's text to the terminal's clipboard.", Where.TASK_SCREEN, ("y",), rank=5),
    Action("tab.cancel", "cancel", "Cancel the task.", Where.TASK_SCREEN, ("x",), rank=2, asks=True),
    Action("tab.retry", "retry", "Retry the task.", Where.TASK_SCREEN, ("r",), rank=3),
    Action("tab.answer", "answer", "Answer what the task asks you.", Where.TASK_SCREEN, ("a",), rank=1),
    Action("tab.close", "back", "Back to the panes.", Where.TASK_SCREEN, ("escape", "q"), rank=6),
    Action("new.submit", "submit", "Submit the text.", Where.NEW, ("enter", "ctrl+s"), rank=1),
    Action("new.line", "new line", "Begin a new line.", Where.NEW, ("ctrl+j", "shift+enter"), rank=2),
    Action("new.close", "back", "Back to the panes; the text is kept until you leave.", Where.NEW, ("escape",), rank=3),
    Action("answer.choose", "choose", "This value is right, or it is not; then on to the next question.", Where.ANSWERING, ("space",), listed=False),
    Action("answer.all", "all as here", "Whoever states this value is right in every question.", Where.ANSWERING, ("a",), listed=False),
    Action("answer.write", "another", "Write another value.", Where.ANSWERING, ("e",), listed=False),
    Action("dialog.yes", "yes", "Do it.", Where.DIALOGS, ("y", "enter"), rank=1),
    Action("dialog.no", "no", "Do nothing.", Where.DIALOGS, ("n", "escape"), rank=2),
    Action("leave.go_on", "leave", "Leave; the engine goes on with the work.", Where.LEAVING, ("enter", "y"), rank=1),
    Action("leave.stop", "stop", "Leave and stop the engine; its tasks go back to the queue.", Where.LEAVING, ("s",), rank=2),
    Action("leave.stay", "stay", "Stay.", Where.LEAVING, ("escape", "n"), rank=3),
)

BY_NAME = {action.name: action for action in ACTIONS}

_KEY_TEXT = {"escape": "esc", "pagedown": "pgdn", "pageup": "pgup", "down": "↓", "up": "↑", "left": "←", "right": "→"}


def key_text(key: str) -> str:
    """A key as footer and help write it."""
    return _KEY_TEXT.get(key, key)


def keys_text(action: Action) -> str:
    """All default keys of an action."""
    return " ".join(key_text(key) for key in action.keys)


def of(*places: Where) -> tuple[Action, ...]:
    """The actions of some places, in the registry's order."""
    return tuple(action for action in ACTIONS if action.where in places)


def bindings(*places: Where) -> list[BindingType]:
    """Textual's bindings of the actions of some places; each carries the action's name, so that a key map can move it."""
    return [
        Binding(",".join(_bound(action.keys)), f"app.perform('{action.name}')", action.title, show=False, id=action.name, tooltip=action.help)
        for action in of(*places)
    ]


def _bound(keys: Sequence[str]) -> Iterable[str]:
    return (_CHARACTER_NAMES.get(key, key) for key in keys)


_CHARACTER_NAMES = {
    "+": "plus",
    "-": "minus",
    "=": "equals_sign",
    "*": "asterisk",
    "/": "slash",
    ":": "colon",
    "?": "question_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}
