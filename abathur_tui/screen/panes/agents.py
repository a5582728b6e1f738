"""The agents pane: who is at work at what, as a tree by execution."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from abathur_tui.domain.ids import ExecutionId, execution_text
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.status import State
from abathur_tui.domain.tasks import Agent
from abathur_tui.screen import figures
from abathur_tui.screen.actions import Where, bindings
from abathur_tui.screen.messages import Copied, LogScope, OffersChanged, OpenTask, ShowLog
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.roles import Column, Line, Role, Span, row
from abathur_tui.screen.store import Store
from abathur_tui.screen.widgets.lines import Lines

_STATES = {
    "SPAWNING": State("starts", "◌", "o", "calm"),
    "IDLE": State("idle", "·", ".", "calm"),
    "BUSY": State("works", "▶", ">", "running"),
    "FAILED": State("failed", "✗", "x", "failed"),
    "TERMINATING": State("ends", "‖", "=", "calm"),
    "TERMINATED": State("ended", "✓", "v", "done"),
}
_UNKNOWN = State("unknown", "·", ".", "calm")
_WORDS_FROM_WIDTH = 56
_TOKENS_FROM_WIDTH = 66
_NAME_WIDTH = 21
"""Cells for guide, shape and name of an agent."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the tree: an agent, or the heading of an execution that has several."""

    execution: int
    agent: Agent | None
    guide: str
    """The lines that lead to it."""
    members: Sequence[Agent] = ()
    """For a heading: all agents of the execution."""
    folded: bool = False


class AgentsPane(Pane, Lines, can_focus=True):
    """Executions with several agents have a heading of their own, which folds."""

    NUMBER = 2
    NAME = "agents"
    PLACE = Where.AGENTS
    BINDINGS = bindings(Where.AGENTS)

    def __init__(self, store: Store) -> None:
        """It shows what `store` has."""
        super().__init__(id="agents")
        self._store = store
        self._agents: Sequence[Agent] = ()
        self._rows: list[Row] = []
        self._folded: set[int] = set()

    def on_mount(self) -> None:
        """Follow the store."""
        self._store.agents_changed.subscribe(self, self._agents_changed, immediate=True)
        self._store.figures_changed.subscribe(self, self._figures_changed, immediate=True)
        self._agents_changed(self._store)
        self.set_interval(1.0, self.refresh_changed)

    def row_line(self, index: int) -> Line:
        """A heading or an agent."""
        line = self._rows[index]
        return self._heading_line(line) if line.agent is None else self._agent_line(line, line.agent)

    def empty_lines(self) -> list[Line]:
        """What to do where there is nobody."""
        if not self._store.loaded:
            return []
        return [
            [],
            [Span("  No agent has worked here yet.")],
            [],
            [Span("  They appear with the first task: "), Span("c", Role.ACCENT), Span(" new", Role.DIM)],
        ]

    def title_details(self) -> Line:
        """How many of how many are busy."""
        shown = self._store.figures
        if shown.engine_lives and shown.agents_limit:
            return [Span(f"{shown.agents_busy} of {shown.agents_limit} busy", Role.DIM)]
        return []

    def offers(self, name: str) -> bool:
        """Whether it makes sense for the cursor's row."""
        current = self._current
        if name == "list.back":
            return False
        if name == "agent.fold":
            return current is not None and bool(current.agent is None)
        if name == "agent.log":
            return current is not None and current.agent is not None
        return current is not None

    def action_list_open(self) -> None:
        """The screen of the task that the agent works at, or worked at last; an execution folds."""
        current = self._current
        if current is None:
            return
        if current.agent is None:
            self.action_agent_fold()
        elif current.agent.task is not None:
            self.post_message(OpenTask(current.agent.task))
        else:
            self.action_agent_log()

    def action_list_copy(self) -> None:
        """The agent and what it does."""
        current = self._current
        if current is not None and current.agent is not None:
            agent = current.agent
            self.app.copy_to_clipboard(f"a{agent.id} {safe_line(agent.definition)} {safe_line(agent.task_name)} {safe_line(agent.activity)}")
            self.post_message(Copied())

    def action_agent_log(self) -> None:
        """Its log only."""
        current = self._current
        if current is not None and current.agent is not None:
            agent = current.agent
            self.post_message(ShowLog(LogScope(agent=agent.id, title=f"{agent.definition} · {agent.task_name}")))

    def action_agent_fold(self) -> None:
        """Fold or unfold the heading's execution."""
        current = self._current
        if current is not None and current.agent is None:
            self._folded ^= {current.execution}
            self._rebuild()

    def watch_cursor(self, before: int, after: int) -> None:
        """Other keys may work here."""
        super().watch_cursor(before, after)
        self.post_message(OffersChanged())

    @property
    def _current(self) -> Row | None:
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def _figures_changed(self, store: Store) -> None:
        self.show_border()

    def _agents_changed(self, store: Store) -> None:
        if store.agents != self._agents or not self._rows:
            self._agents = store.agents
            self._rebuild()

    def _rebuild(self) -> None:
        current = self._current
        self._rows = list(_tree(self._agents, self._folded))
        if current is not None:
            for index, line in enumerate(self._rows):
                if (line.agent and line.agent.id) == (current.agent and current.agent.id) and line.execution == current.execution:
                    self.set_reactive(Lines.cursor, index)
                    break
        self.set_count(len(self._rows))
        self.show_border()
        self.post_message(OffersChanged())

    def _heading_line(self, line: Row) -> Line:
        members = line.members
        known = [agent.cost_usd for agent in members]
        cost = None if None in known else sum(value or 0.0 for value in known)
        ended = all(agent.ended_at is not None for agent in members)
        end = max(agent.ended_at or 0.0 for agent in members) if ended else self._store.clock.now()
        tokens = sum(agent.tokens_input + agent.tokens_output for agent in members)
        name = safe_line(self._store.execution_names.get(line.execution, execution_text(ExecutionId(line.execution))))
        front = [Span(" "), Span("▸ " if line.folded else "▾ ", Role.ACCENT)]
        figure = _Figures("", tokens, end - min(agent.started_at for agent in members), figures.money(cost) if tokens else "–")
        return self._columns(front, f"{name}  {len(members)} agents", None, figure)

    def _agent_line(self, line: Row, agent: Agent) -> Line:
        state = _STATES.get(agent.state, _UNKNOWN)
        activity = safe_line(agent.activity) if agent.ended_at is None and agent.activity else state.word
        task = safe_line(agent.task_name)
        front = [Span(f" {line.guide}", Role.FAINT), Span(f"{state.shape} ", Role(state.role))]
        seconds = (agent.ended_at or self._store.clock.now()) - agent.started_at
        tokens = agent.tokens_input + agent.tokens_output
        cost = figures.money(agent.cost_usd) if tokens or agent.cost_usd != 0 else "–"
        figure = _Figures(str(agent.turn) if agent.turn else "", tokens, seconds, cost)
        return self._columns(front, safe_line(agent.definition), f"{activity} · {task}" if task else activity, figure)

    def _columns(self, front: list[Span], name: str, doing: str | None, figure: "_Figures") -> Line:
        width = self.scrollable_content_region.width
        wide = width >= _WORDS_FROM_WIDTH
        turn = f"turn {figure.turn}" if wide and figure.turn else f"t{figure.turn}" if figure.turn else ""
        right = [
            Column(turn, 7 if wide else 4, right=True),
            *([Column(figures.tokens(figure.tokens) if figure.tokens else "", 5, Role.DIM, right=True)] if width >= _TOKENS_FROM_WIDTH else []),
            Column(figures.age(figure.seconds), 4, right=True),
            Column(figure.cost, 6, right=True),
        ]
        taken = sum(len(span.text) for span in front)
        left = width - sum(column.width + 1 for column in right) - 2 - taken
        if doing is None:
            return [*front, *row([Column(name, max(8, left + 1)), *right])]
        name_width = max(6, min(_NAME_WIDTH, (left + taken) * 3 // 5) - taken)
        return [*front, *row([Column(name, name_width), Column(doing, max(4, left - name_width), Role.DIM), *right])]


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the right-hand columns show."""

    turn: str
    tokens: int
    seconds: float
    cost: str


def _tree(agents: Sequence[Agent], folded: set[int]) -> Iterator[Row]:
    """The rows of all agents, executions in the order in which their first agent stands."""
    executions: dict[int, list[Agent]] = {}
    for agent in agents:
        executions.setdefault(agent.execution, []).append(agent)
    for execution, members in executions.items():
        if len(members) == 1:
            yield Row(execution, members[0], "")
            continue
        yield Row(execution, None, "", members, execution in folded)
        if execution not in folded:
            yield from _branches(execution, members)


def _branches(execution: int, members: Sequence[Agent]) -> Iterator[Row]:
    ids = {agent.id for agent in members}
    children: dict[int | None, list[Agent]] = {}
    for agent in members:
        children.setdefault(agent.parent if agent.parent in ids else None, []).append(agent)
    stack = [(agent, "", agent is children[None][-1]) for agent in reversed(children.get(None, []))]
    while stack:
        agent, indent, last = stack.pop()
        yield Row(execution, agent, indent + ("└ " if last else "├ "))
        below = children.get(agent.id, [])
        stack += [(child, indent + ("  " if last else "│ "), child is below[-1]) for child in reversed(below)]
