"""New: a text is written, its mistakes or its plan are shown beside it, and it is submitted."""

import asyncio
from collections.abc import Awaitable, Callable

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from abathur_tui.domain.errors import AbathurError, Detail
from abathur_tui.domain.plan import Plan
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.domain.templates import Registry
from abathur_tui.screen import figures
from abathur_tui.screen.actions import Where, bindings
from abathur_tui.screen.panes.queue import EXAMPLE
from abathur_tui.screen.widgets.editor import Editor

__all__ = ["Editor", "NewScreen"]

_PAUSE_SECONDS = 0.25
"""After so long without a key the text is looked at."""
_MOST_NODES = 40


class NewScreen(ModalScreen[bool]):
    """Dismissed with True when something was submitted."""

    BINDINGS = bindings(Where.NEW)

    def __init__(
        self,
        draft: str,
        plan: Callable[[str], Awaitable[Plan]],
        submit: Callable[[str], Awaitable[None]],
        registry: Callable[[], Registry],
    ) -> None:
        """`draft`: the text to begin with. `plan` and `submit` raise AbathurError. `registry` is called in a thread."""
        super().__init__(classes="dialog")
        self._draft, self._plan, self._submit, self._registry = draft, plan, submit, registry
        self._submitting = False

    def compose(self) -> ComposeResult:
        """The editor, and below it what would become of the text."""
        with Vertical(id="new-box") as box:
            box.border_title = " new "
            box.border_subtitle = " enter submit · ctrl+j new line · tab completes · esc back "
            yield Editor(self._draft, self._registry, id="new-editor", placeholder=Content(f"A prompt, or {EXAMPLE}"))
            yield Static("", id="new-outcome")

    def on_mount(self) -> None:
        """Write at the end of what is there."""
        editor = self.query_one(Editor)
        editor.move_cursor(editor.document.end)
        self.set_focus(editor)
        self._say(Content.styled("What you write becomes a plan here; nothing is queued before you submit it.", "$role-dim"))
        if self._draft.strip():
            self._look_soon()

    @property
    def text(self) -> str:
        """What is written."""
        return self.query_one(Editor).text

    def on_text_area_changed(self) -> None:
        """Look at it when the keys rest."""
        self._look_soon()

    async def action_new_submit(self) -> None:
        """Queue it, or show its mistakes."""
        text = self.text
        if self._submitting or not text.strip():
            return
        self._submitting = True
        self._say(Content.styled("queueing…", "$role-dim"))
        try:
            await self._submit(text)
        except AbathurError as error:
            self._say(mistakes(error))
        else:
            self.dismiss(True)
        finally:
            self._submitting = False

    def action_new_line(self) -> None:
        """A new line."""
        self.query_one(Editor).insert("\n")

    def action_new_close(self) -> None:
        """Back; the text is kept."""
        self.dismiss(False)

    def _look_soon(self) -> None:
        self.run_worker(self._look(), exclusive=True, group="look", exit_on_error=False)

    async def _look(self) -> None:
        await asyncio.sleep(_PAUSE_SECONDS)
        text = self.text
        if not text.strip():
            self._say(Content(""))
            return
        try:
            plan = await self._plan(text)
        except AbathurError as error:
            self._say(mistakes(error))
        else:
            self._say(preview(plan))

    def _say(self, content: Content) -> None:
        if self.is_mounted:
            self.query_one("#new-outcome", Static).update(content)


def mistakes(error: AbathurError) -> Content:
    """Everything that is wrong with a text, each with its place, its line and a caret. Foreign text in it is plain."""
    parts: list[tuple[str, str]] = [(f"✗ {safe_line(error.message)}", "$role-failed"), (f"  {error.code}\n", "$role-dim")]
    for detail in error.details:
        parts += _mistake(detail)
    if error.advice:
        parts.append((f"\n\n{safe(error.advice)}", "$role-dim"))
    return Content.assemble(*parts)


def _mistake(detail: Detail) -> list[tuple[str, str]]:
    place = f"{detail.line}:{detail.column}" if detail.line is not None and detail.column is not None else ""
    parts = [(f"\n{place:>6}  ", "$role-accent"), (safe(detail.message), "$role-ink")]
    if detail.source is not None and detail.column is not None:
        before = cell_len(safe_line(detail.source[: detail.column - 1]))
        parts += [
            (f"\n        {safe_line(detail.source)}", "$role-dim"),
            (f"\n        {' ' * before}{'^' * max(1, detail.length)}", "$role-failed"),
        ]
    if detail.suggestion:
        parts.append((f"\n        {safe_line(detail.suggestion)}", "$role-done"))
    return parts


def preview(plan: Plan) -> Content:
    """The plan as a list: each node with what it waits for, and what all of it is expected to take."""
    levels = plan.levels()
    names = {node.id: safe_line(node.name) for node in plan.nodes}
    needs: dict[str, list[str]] = {}
    for edge in plan.edges:
        needs.setdefault(edge.node, []).append(edge.needs)
    estimate = plan.estimate
    guess = "" if estimate.measured else "about "
    cost = "" if estimate.cost_usd is None else f", ${figures.money(estimate.cost_usd)}"
    count = "1 task" if len(plan.nodes) == 1 else f"{len(plan.nodes)} tasks in {len(levels)} steps"
    parts: list[tuple[str, str]] = [
        ("✓ ", "$role-done"),
        (count, "$role-ink"),
        (f" · {guess}{figures.duration(estimate.seconds)}, {figures.tokens(estimate.tokens)} tokens{cost}\n", "$role-dim"),
    ]
    nodes = {node.id: node for node in plan.nodes}
    shown = 0
    for level, ids in enumerate(levels, 1):
        for id in ids:
            shown += 1
            if shown > _MOST_NODES:
                continue
            node = nodes[id]
            who = safe_line(node.agent) if node.agent else str(node.kind)
            after = ", ".join(names[other] for other in needs.get(id, []))
            parts += [(f"\n{level:>4}  ", "$role-accent"), (f"{names[id]}", "$role-ink"), (f"  {who}", "$role-dim")]
            if after:
                parts.append((f"  after {after}", "$role-dim"))
    if shown > _MOST_NODES:
        parts.append((f"\n      and {shown - _MOST_NODES} more", "$role-dim"))
    return Content.assemble(*parts)
