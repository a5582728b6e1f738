"""The application: its bindings, its screens, and who is asked to do what."""

import asyncio
import gc
import signal
from collections.abc import Coroutine, Mapping
from inspect import isawaitable
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from abathur_tui.domain.clock import Clock, SystemClock
from abathur_tui.domain.errors import AbathurError, Unexpected
from abathur_tui.domain.questions import Given
from abathur_tui.domain.safe_text import safe, safe_line
from abathur_tui.project import Project
from abathur_tui.project.patience import OVER
from abathur_tui.screen import intents
from abathur_tui.screen.actions import BY_NAME, Where, of
from abathur_tui.screen.dispatch import doing_of, why_not
from abathur_tui.screen.errands import Errands
from abathur_tui.screen.locale_text import AsciiFilter, has_utf8
from abathur_tui.screen.machine import EngineProbe, Probe
from abathur_tui.screen.memory import Memory
from abathur_tui.screen.messages import Answering, OffersChanged, OpenTask, Perform, ShowLog, TaskIntent, Verb
from abathur_tui.screen.palette import ActionProvider, find_action, names, suggestion
from abathur_tui.screen.screens.cockpit import Cockpit
from abathur_tui.screen.screens.dialogs import Confirm, Leave, LeaveScreen
from abathur_tui.screen.screens.help import HelpScreen
from abathur_tui.screen.store import Store
from abathur_tui.screen.theme import choose_theme, colours_of_terminal
from abathur_tui.screen.widgets.command_bar import CommandBar
from abathur_tui.screen.widgets.footer import Footer

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
    PAUSE_GC_ON_SCROLL = True
    CSS_PATH = _styles()  # type: ignore[assignment]
    COMMANDS: ClassVar[set[Any]] = {ActionProvider}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "perform('screen.leave')", "leave", show=False, priority=True)]

    def __init__(
        self,
        project: Project,
        *,
        clock: Clock | None = None,
        theme: str = "auto",
        probe: Probe | None = None,
        starts_engine: bool = True,
        memory: Memory | None = None,
    ) -> None:
        """`theme`: `auto`, `dark` or `light`. `starts_engine`: whether work that waits gets an engine.

        `memory`: what outlives the screen.
        """
        # Chosen before Textual looks at it: it makes its stylesheet and its colour filters of the theme that it finds.
        self.set_reactive(App.theme, choose_theme(theme, colours_of_terminal()))
        super().__init__()
        if not has_utf8():
            self._filters.append(AsciiFilter())
        self.store = Store(
            self, project.database, clock or SystemClock(), project=safe_line(project.folder.name), probe=probe or EngineProbe(project)
        )
        self.problems: list[BaseException] = []
        """Mistakes of ours that happened in the background."""
        self._project = project
        self._errands = Errands(project, self.store, self, starts_engine=starts_engine)
        self._memory = memory or Memory()
        self._draft = ""
        self._offered_by: tuple[object, ...] = ()
        """What decides which of the app's own actions make sense, as the footer has it."""
        self._footer_due = False

    @property
    def failure(self) -> Exception | None:
        """What ended it, where that was a mistake of ours."""
        return self._exception

    def get_default_screen(self) -> Screen[Any]:
        """The cockpit."""
        return Cockpit(self.store, self._memory)

    def on_mount(self) -> None:
        """Start what follows the project; nothing of it is waited for."""
        self._project.patience.tell = lambda text: self.say(text, seconds=20, warning=text != OVER)
        self.store.trouble_changed.subscribe(self, self._trouble_changed, immediate=True)
        self.store.figures_changed.subscribe(self, self._figures_changed, immediate=True)
        self.app_resume_signal.subscribe(self, lambda _: self.refresh())  # a terminal that comes back from the shell is empty
        self._start(self.store.run(), "store")
        self.call_after_refresh(self._after_first_frame)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self.exit, 0)

    def _after_first_frame(self) -> None:
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        self._start(self._errands.say_who_answers(), "answers")
        self._start(self._errands.go_on(), "engine")
        self._start(self._errands.follow_files(), "files")
        self._start(self._errands.relieve(), "relief")

    # Actions of the registry

    def offers(self, name: str) -> bool:
        """Whether starting an engine makes sense; whatever else the app itself does always does."""
        match name:
            case "engine.start":
                return self.store.figures.engine_lives is False and not self.store.figures.engine_restarts and self.store.works
            case "queue.pause":
                return not self.store.figures.hold
            case "queue.resume":
                return self.store.figures.hold == "queue paused"
        return True

    def offered(self, name: str) -> bool:
        """Whether anybody can do an action here now."""
        return doing_of(name, self._stage) is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of actions that cannot be done here do nothing, unless there is something to say of that."""
        if action == "perform" and len(parameters) == 1:
            return self.offered(str(parameters[0])) or bool(why_not(str(parameters[0]), self._stage))
        return super().check_action(action, parameters)

    async def action_perform(self, name: str) -> None:
        """Do an action of the registry."""
        doing = doing_of(name, self._stage)
        if doing is None:
            self.say(why_not(name, self._stage) or f"{BY_NAME[name].title}: nothing here that it could work on")
            return
        result = doing()
        if isawaitable(result):
            try:
                await result
            except AbathurError as error:
                self.say_error(error)

    async def on_perform(self, message: Perform) -> None:
        """An action that was chosen by name, or with the mouse."""
        await self.action_perform(message.name)

    @property
    def _stage(self) -> Screen[Any]:
        """The screen that actions are about: the palette only stands in front of it."""
        return next((screen for screen in reversed(self.screen_stack) if not isinstance(screen, CommandPalette)), self.screen)

    def action_task_new(self) -> None:
        """Write something to be done."""
        from abathur_tui.screen.screens.new import NewScreen  # the editor takes 10 ms that the first frame need not pay

        screen = NewScreen(self._draft, self._project.plan, self._errands.submit, lambda: self._project.workbench.registry)

        def close(submitted: bool | None) -> None:
            self._draft = "" if submitted else screen.text
            if submitted:
                self.action_engine_start()

        self.push_screen(screen, close)

    def action_engine_start(self) -> None:
        """An engine, where none lives."""
        self._start(self._errands.ensure_engine(), "engine")

    def action_queue_pause(self) -> None:
        """Nothing new starts."""
        self._start(self._errands.pause_queue(True), "pause")

    def action_queue_resume(self) -> None:
        """The queue goes on."""
        self._start(self._errands.pause_queue(False), "resume")

    def action_screen_command(self) -> None:
        """Type an action's name."""
        focused = self.screen.focused

        def go_back() -> None:
            if focused is not None:
                focused.screen.set_focus(focused)

        async def do(text: str) -> str:
            action = find_action(text, self.offered)
            if action is None:
                near = suggestion(text)
                return f"no such command{f'; did you mean {near}?' if near else ''}"
            go_back()
            self.post_message(Perform(action.name))
            return ""

        self.screen.query_one(CommandBar).ask(
            " : ",
            "",
            accept=do,
            close=lambda accepted: None if accepted else go_back(),
            suggestions=names(),
            placeholder="an action's name; → completes",
        )

    def action_screen_palette(self) -> None:
        """Search all actions."""
        self.action_command_palette()

    def action_screen_help(self) -> None:
        """All keys."""
        self.push_screen(HelpScreen(self._places))

    def action_screen_theme(self) -> None:
        """Dark or light."""
        self.theme = self.theme.replace("dark", "light") if "dark" in self.theme else self.theme.replace("light", "dark")

    def action_screen_suspend(self) -> None:
        """Give the terminal back to the shell until `fg`."""
        self.action_suspend_process()

    def action_screen_leave(self) -> None:
        """Leave, at once where nothing goes on."""
        if not (self.store.works and (self.store.figures.engine_lives or self.store.figures.engine_restarts)):
            self.exit(0)
        elif not any(isinstance(screen, LeaveScreen) for screen in self.screen_stack):
            self.push_screen(LeaveScreen(self.store.figures.running, self.store.figures.waiting), self._leave)

    def _leave(self, choice: Leave | None) -> None:
        match choice:
            case Leave.GO_ON:
                self.exit(0)
            case Leave.STOP:
                self.say("stopping the engine…")
                self._start(self._stop_and_leave(), "stop")

    async def _stop_and_leave(self) -> None:
        if await self._errands.stop_engine():
            self.exit(0)

    # What widgets ask for, and what happens around them

    def on_offers_changed(self, message: OffersChanged) -> None:
        """The footer looks again, once for all that changed."""
        if not self._footer_due:
            self._footer_due = True
            self.call_later(self._refresh_footer)

    def _refresh_footer(self) -> None:
        self._footer_due = False
        if isinstance(self.screen, Cockpit) and self.screen.is_mounted:
            offered = [action for action in of(*self._places, Where.EVERYWHERE) if action.rank and self.offered(action.name)]
            self.screen.query_one(Footer).show_actions(sorted(offered, key=lambda action: action.rank), self.screen.size_note)

    @property
    def _places(self) -> tuple[Where, ...]:
        return self.screen.places if isinstance(self.screen, Cockpit) else ()

    def on_copied(self) -> None:
        """Say so, shortly."""
        self.say("copied", seconds=2)

    def on_open_task(self, message: OpenTask) -> None:
        """Its own screen."""
        from abathur_tui.screen.screens.task import TaskScreen  # 10 ms that the first frame need not pay

        self.push_screen(TaskScreen(self.store, message.task))

    async def on_answering(self, message: Answering) -> None:
        """What is asked, and what to say."""
        from abathur_tui.screen.screens.answer import AnswerScreen  # for those who are asked only

        try:
            asked = await self._project.questions(tasks=message.tasks)
        except AbathurError as error:
            self.say_error(error)
            return
        if not asked:
            self.say("nothing waits for an answer there any more")
            return

        def answered(answers: Mapping[int, Given] | None) -> None:
            if answers:
                self._start(self._errands.answer(answers), "answer")

        self.push_screen(AnswerScreen(asked), answered)

    def on_show_log(self, message: ShowLog) -> None:
        """The logs pane shows it."""
        self.store.set_scope(message.scope)
        if isinstance(self.screen, Cockpit) and (message.scope.task is not None or message.scope.agent is not None):
            self.screen.go_to(3)

    def on_task_intent(self, intent: TaskIntent) -> None:
        """Ask first where that is due, then ask the project."""
        if intent.verb in (Verb.CANCEL, Verb.CLEAR):
            self._confirm(intent)
        else:
            self._start(self._errands.carry_out(intent), intent.verb.value)

    def _confirm(self, intent: TaskIntent) -> None:
        known = [self.store.queue.rows[task] for task in intent.tasks if task in self.store.queue.rows][:_LISTED]
        listed = [f"{task.state.shape} {safe_line(task.name)}" for task in known]
        more = len(intent.tasks) - len(listed)
        if listed and more:
            listed.append(f"and {more:,} more")
        count = intents.tasks(len(intent.tasks))
        question = f"Cancel {count}, with all that is inside?" if intent.verb is Verb.CANCEL else f"Leave {count} dead, without a decision to make?"

        def answered(yes: bool | None) -> None:
            if yes:
                self._start(self._errands.carry_out(intent), intent.verb.value)

        self.push_screen(Confirm(question, "\n".join(listed), yes=intent.verb.value), answered)

    def _trouble_changed(self, store: Store) -> None:
        if store.trouble is not None:
            self.say_error(store.trouble)
        else:
            self.say("The project can be read again.")

    def _figures_changed(self, store: Store) -> None:
        if store.engine_died:
            self._start(self._errands.replace_engine(), "engine")
        decides = (store.figures.engine_lives, store.figures.engine_restarts, store.figures.hold, store.works)
        if decides != self._offered_by:  # by nothing that a pane would tell of
            self._offered_by = decides
            self.post_message(OffersChanged())

    # Telling, and working in the background

    def say(self, text: str, *, seconds: float = 6, warning: bool = False) -> None:
        """A notice; its text is made safe, and never read as markup."""
        self.notify(safe(text), severity="warning" if warning else "information", timeout=seconds, markup=False)

    def say_error(self, error: AbathurError, what: str = "") -> None:
        """A notice with what happened, its code, and what to do."""
        text = safe("\n".join(part for part in (what, error.message, error.advice) if part))
        self.notify(text, title=error.code, severity="error", timeout=12, markup=False)

    def _start(self, errand: Coroutine[Any, Any, None], name: str) -> None:
        self.run_worker(errand, name=name, exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A mistake of ours in the background is said, and ends nothing else."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.problems.append(event.worker.error)
            self.say_error(Unexpected(f"{event.worker.name}: {event.worker.error!r}"))

    def _handle_exception(self, error: Exception) -> None:
        """A widget that fails while the screen is being taken down harms nobody."""
        if not self._exit:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Close; `run` raises what happened, and the command line tells it (Textual would print it with all local values)."""
        self._close_messages_no_wait()
