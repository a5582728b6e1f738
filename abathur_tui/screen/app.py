"""The application: bindings, screens, themes, and the way from a wish to the project and back."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from abathur_tui.domain.clock import Clock, SystemClock
from abathur_tui.domain.errors import AbathurError, Unexpected
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.project import Project
from abathur_tui.screen import answering, intents
from abathur_tui.screen.actions import BY_NAME, Where, of
from abathur_tui.screen.locale_text import AsciiFilter, has_utf8
from abathur_tui.screen.machine import Probe
from abathur_tui.screen.messages import Offering, OffersChanged, OpenTask, Perform, ShowLog, TaskIntent, Verb
from abathur_tui.screen.palette import ActionProvider, find_action, names, suggestion
from abathur_tui.screen.panes.pane import Pane
from abathur_tui.screen.screens.cockpit import Cockpit
from abathur_tui.screen.screens.dialogs import Confirm, Leave, LeaveScreen
from abathur_tui.screen.screens.help import HelpScreen
from abathur_tui.screen.store import Store
from abathur_tui.screen.theme import choose_theme, colours_of_terminal
from abathur_tui.screen.widgets.command_bar import CommandBar
from abathur_tui.screen.widgets.footer import Footer

_PLACES = {
    "queue": (Where.TASKS, Where.LISTS),
    "agents": (Where.AGENTS, Where.LISTS),
    "logs": (Where.LOGS, Where.LISTS),
    "convergence": (Where.CONVERGENCE, Where.LISTS),
}


_LISTED = 3
"""How many tasks a question names."""


def _styles() -> list[Path]:
    """The stylesheets: beside this file in an installed package, at the repository's top in a checkout."""
    here = Path(__file__).parent / "styles"
    folder = here if here.is_dir() else Path(__file__).parents[2] / "styles"
    return sorted(folder.glob("*.tcss"))


class AbathurApp(App[int], inherit_bindings=False):
    """The cockpit and what opens over it."""

    TITLE = "abathur"
    CSS_PATH = _styles()  # type: ignore[assignment]
    COMMANDS: ClassVar[set[Any]] = {ActionProvider}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "perform('screen.leave')", "leave", show=False, priority=True)]
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 6

    def __init__(
        self, project: Project, *, clock: Clock | None = None, theme: str = "auto", probe: Probe | None = None, starts_engine: bool = True
    ) -> None:
        """`theme`: `auto`, `dark` or `light`. `starts_engine`: whether work that waits gets an engine."""
        # Chosen before Textual looks at it: it makes its stylesheet and its colour filters of the theme that it finds.
        self.set_reactive(App.theme, choose_theme(theme, colours_of_terminal()))
        super().__init__()
        self._project = project
        self._draft = ""
        self._starts_engine = starts_engine
        if not has_utf8():
            self._filters.append(AsciiFilter())
        self.store = Store(self, project.database, clock or SystemClock(), project=safe_line(project.folder.name), probe=probe)
        self.problems: list[BaseException] = []
        """Mistakes of ours that happened in the background."""
        self._footer_due = False

    @property
    def failure(self) -> Exception | None:
        """What ended it, where that was a mistake of ours."""
        return self._exception

    def get_default_screen(self) -> Screen[Any]:
        """The cockpit."""
        return Cockpit(self.store)

    def on_mount(self) -> None:
        """Start what follows the project; nothing of it is waited for."""
        self.store.trouble_changed.subscribe(self, self._trouble_changed, immediate=True)
        self.run_worker(self.store.run(), name="store", exit_on_error=False)
        self.call_after_refresh(self._after_first_frame)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self.exit, 0)

    def _after_first_frame(self) -> None:
        self.run_worker(self._say_who_answers(), name="answers", exit_on_error=False)
        self.run_worker(self._go_on(), name="engine", exit_on_error=False)

    # Actions of the registry

    def offers(self, name: str) -> bool:
        """Whether an action can be done here now."""
        return self._handler(name) is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of actions that cannot be done here do nothing."""
        if action == "perform" and len(parameters) == 1:
            return self.offers(str(parameters[0]))
        return super().check_action(action, parameters)

    async def action_perform(self, name: str) -> None:
        """Do an action of the registry."""
        handler = self._handler(name)
        if handler is None:
            return
        result = handler()
        if isawaitable(result):
            try:
                await result
            except AbathurError as error:
                self.show_error(error)

    async def on_perform(self, message: Perform) -> None:
        """An action that was chosen by name."""
        if self.offers(message.name):
            await self.action_perform(message.name)
        else:
            self.notify(f"{BY_NAME[message.name].title}: nothing here that it could work on", markup=False)

    def _handler(self, name: str) -> Callable[[], Awaitable[None] | None] | None:
        """What does it: of what has the focus, then of what is around it, then of the other panes; the first that can do it now."""
        action = BY_NAME.get(name)
        if action is None:
            return None
        stage = self._stage
        nodes: list[DOMNode] = [*(stage.focused or stage).ancestors_with_self]
        if isinstance(stage, Cockpit) and action.where not in (Where.LISTS, Where.TASK_SCREEN, Where.NEW, Where.DIALOGS):
            nodes[-1:-1] = stage.panes
        for node in nodes:
            method: Callable[[], Awaitable[None] | None] | None = getattr(node, action.method, None)
            if method is not None and (node is self or not isinstance(node, Offering) or node.offers(name)):
                return method
        return None

    @property
    def _stage(self) -> Screen[Any]:
        """The screen that actions are about: the palette only stands in front of it."""
        return next((screen for screen in reversed(self.screen_stack) if not isinstance(screen, CommandPalette)), self.screen)

    def on_offers_changed(self, message: OffersChanged) -> None:
        """The footer looks again, once for all that changed."""
        self._refresh_footer_soon()

    def on_descendant_focus(self) -> None:
        """Other keys work, and other borders are bright."""
        self._refresh_footer_soon()
        for pane in self.screen.query(Pane):
            pane.show_border()

    def _refresh_footer_soon(self) -> None:
        if not self._footer_due:
            self._footer_due = True
            self.call_later(self._refresh_footer)

    def _refresh_footer(self) -> None:
        self._footer_due = False
        if isinstance(self.screen, Cockpit) and self.screen.is_mounted:
            offered = [action for action in of(*self._places, Where.EVERYWHERE) if action.rank and self.offers(action.name)]
            self.screen.query_one(Footer).show_actions(sorted(offered, key=lambda action: action.rank), self.screen.size_note)

    @property
    def _places(self) -> tuple[Where, ...]:
        current = self.screen.current if isinstance(self.screen, Cockpit) else None
        return _PLACES[current.NAME] if current is not None else ()

    def action_task_new(self) -> None:
        """Write something to be done."""
        from abathur_tui.screen.screens.new import NewScreen  # the editor takes 10 ms that the first frame need not pay

        screen = NewScreen(self._draft, self._project.plan, self._submit)

        def close(submitted: bool | None) -> None:
            self._draft = "" if submitted else screen.text

        self.push_screen(screen, close)

    def action_screen_command(self) -> None:
        """Type an action's name."""
        focused = self.screen.focused

        async def do(text: str) -> str:
            action = find_action(text, self.offers)
            if action is None:
                near = suggestion(text)
                return f"no such command{f'; did you mean {near}?' if near else ''}"
            if focused is not None:
                focused.screen.set_focus(focused)
            self.post_message(Perform(action.name))
            return ""

        def close(accepted: bool) -> None:
            if focused is not None and not accepted:
                focused.screen.set_focus(focused)

        self.screen.query_one(CommandBar).ask(" : ", "", accept=do, close=close, suggestions=names(), placeholder="an action's name; tab completes")

    def action_screen_palette(self) -> None:
        """Search all actions."""
        self.action_command_palette()

    def action_screen_help(self) -> None:
        """All keys."""
        self.push_screen(HelpScreen(self._places))

    def action_screen_theme(self) -> None:
        """Dark or light."""
        other = self.theme.replace("dark", "light") if "dark" in self.theme else self.theme.replace("light", "dark")
        self.theme = other

    async def action_screen_leave(self) -> None:
        """Leave, at once where nothing goes on."""
        shown = self.store.figures
        if (shown.running or shown.waiting) and self._engine_known():
            if not any(isinstance(screen, LeaveScreen) for screen in self.screen_stack):
                self.push_screen(LeaveScreen(shown.running, shown.waiting), self._leave)
        else:
            self.exit(0)

    def _handle_exception(self, error: Exception) -> None:
        """A widget that fails while the screen is being taken down harms nobody."""
        if not self._exit:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Close; `run` raises what happened, and the command line tells it (Textual would print it with all local values)."""
        self._close_messages_no_wait()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A mistake of ours in the background is said, and ends nothing else."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.problems.append(event.worker.error)
            self.show_error(Unexpected(f"{event.worker.name}: {event.worker.error!r}"))

    # What widgets ask for

    def on_copied(self) -> None:
        """Say so, shortly."""
        self.notify("copied", timeout=2, markup=False)

    def on_open_task(self, message: OpenTask) -> None:
        """Its own screen."""
        from abathur_tui.screen.screens.task import TaskScreen  # 10 ms that the first frame need not pay

        self.push_screen(TaskScreen(self.store, message.task))

    def on_show_log(self, message: ShowLog) -> None:
        """The logs pane shows it."""
        self.store.set_scope(message.scope)
        if isinstance(self.screen, Cockpit) and (message.scope.task is not None or message.scope.agent is not None):
            self.screen.go_to(3)

    def on_task_intent(self, intent: TaskIntent) -> None:
        """Ask first where that is due, then ask the project."""
        if intent.verb is Verb.CANCEL:
            self._confirm_cancel(intent)
        else:
            self._ask(intent)

    def _confirm_cancel(self, intent: TaskIntent) -> None:
        known = [self.store.queue.rows[task] for task in intent.tasks if task in self.store.queue.rows][:_LISTED]
        listed = [f"{task.state.shape} {safe_line(task.name)}" for task in known]
        more = len(intent.tasks) - len(listed)
        if listed and more:
            listed.append(f"and {more:,} more")
        question = f"Cancel {intents.tasks(len(intent.tasks))}, with all that is inside?"

        def answered(yes: bool | None) -> None:
            if yes:
                self._ask(intent)

        self.push_screen(Confirm(question, "\n".join(listed), yes="cancel"), answered)

    def _ask(self, intent: TaskIntent) -> None:
        self.run_worker(self._carry_out(intent), name=intent.verb.value, exit_on_error=False)

    async def _carry_out(self, intent: TaskIntent) -> None:
        try:
            changes = await intents.ask(self._project, intent)
        except AbathurError as error:
            self.show_error(error)
            return
        said, refusal = intents.outcome(intent.verb, changes)
        if refusal is not None:
            self.show_error(refusal, said)
        elif said:
            self.notify(said, markup=False)
        self.store.refresh_soon()
        if intent.verb in (Verb.RETRY, Verb.RESUME):
            await self._ensure_engine()

    def show_error(self, error: AbathurError, what: str = "") -> None:
        """A notice with what happened, its code, and what to do."""
        text = safe("\n".join(part for part in (what, error.message, error.advice) if part))
        self.notify(text, title=error.code, severity="error", timeout=12, markup=False)

    def _trouble_changed(self, store: Store) -> None:
        if store.trouble is not None:
            self.show_error(store.trouble)
        else:
            self.notify("The project can be read again.", markup=False)

    # Workers

    async def _say_who_answers(self) -> None:
        try:
            for notice in await asyncio.to_thread(answering.notices, self._project):
                self.notify(safe(notice), severity="warning", timeout=10, markup=False)
            said = await asyncio.to_thread(answering.describe, self._project)
        except AbathurError as error:
            self.show_error(error)
            said = "nothing can answer"
        self.store.say_who_answers(said)

    async def _go_on(self) -> None:
        """Unfinished work of an earlier day goes on."""
        try:
            waits = await asyncio.to_thread(answering.has_open_work, self._project)
        except AbathurError:
            return  # the store meets the same error, and says it
        if waits:
            await self._ensure_engine()

    async def _ensure_engine(self) -> None:
        if not self._starts_engine:
            return
        try:
            await self._project.ensure_engine()
        except AbathurError as error:
            self.show_error(error)

    def _engine_known(self) -> bool:
        return bool(self.store.figures.engine_lives)

    async def _submit(self, text: str) -> None:
        submitted = await self._project.submit(text)
        self.notify(f"queued as x{submitted.execution}: {intents.tasks(len(submitted.tasks))}", timeout=3, markup=False)
        self.store.refresh_soon()
        self.run_worker(self._ensure_engine(), name="engine", exit_on_error=False)

    def _leave(self, choice: Leave | None) -> None:
        match choice:
            case Leave.GO_ON:
                self.exit(0)
            case Leave.STOP:
                self.run_worker(self._stop_and_leave(), name="stop", exit_on_error=False)

    async def _stop_and_leave(self) -> None:
        self.notify("stopping the engine…", markup=False)
        try:
            await self._project.stop_engine()
        except AbathurError as error:
            self.show_error(error)
        else:
            self.exit(0)
