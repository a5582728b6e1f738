"""Checks a syntax tree against the registry: templates, names, parameters. What it gives is ready to be expanded."""

from collections.abc import Sequence
from itertools import islice

from abathur_tui.domain.errors import CyclicDependencies, DocumentInvalid, NotYet, SourceRefused, TemplateInvalid, UnknownName, UnknownTemplate
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.templates import Registry, Template
from abathur_tui.language.context import PlanContext
from abathur_tui.language.loops import COMMAND_NAMES
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.options import OPTION_NAMES, read_options
from abathur_tui.language.parameters import Binder
from abathur_tui.language.resolved import Bound, Elsewhere, Given, Lost, Place, ResolvedCommand, ResolvedStatement, Supplied
from abathur_tui.language.sources import FUNCTIONS, Refused, Sources
from abathur_tui.language.tree import Argument, Array, Broken, Call, Command, Document, Literal, Name, Object, Value

_MOST_COMPARED = 300
"""Bound names that an unknown one is compared with."""
_TO_COME = {
    "UPGRADE": ("one change over many repositories needs a checkout of each", 'run it in each repository: ABYSSAL[CODE]("the change")'),
}
"""Templates that will ship: what they need, and what can be done meanwhile."""
_LITERALS = {"true": "true", "false": "false", "null": "null", "none": "null", "nil": "null", "yes": "true", "no": "false"}


def check(
    document: Document, registry: Registry, context: PlanContext, mistakes: Mistakes, common: Sequence[Supplied] = ()
) -> list[ResolvedStatement]:
    """The statements, checked; what is wrong is noted. `common` holds for every statement's command that does not say otherwise."""
    return _Checker(document, registry, context, mistakes).statements(common)


def find_template(registry: Registry, name: str, version: str | None, place: Place, mistakes: Mistakes) -> Template | None:
    """The template; None where there is none that can be used, which is noted."""
    try:
        template = registry.template(name, version)
    except TemplateInvalid as error:
        for detail in error.details:
            where = f"{detail.file}:{detail.line}" if detail.line else detail.file
            mistakes.add(TemplateInvalid, place, f"the file of {name} has a mistake, {where}: {detail.message}", detail.suggestion)
        return None
    if template is None:
        versions = registry.versions(name)
        if name in _TO_COME:
            needs, meanwhile = _TO_COME[name]
            mistakes.add(NotYet, place, f"this version cannot honour {name} yet: {needs}", meanwhile)
        elif version is not None and versions:
            mistakes.add(UnknownTemplate, place, f"there is no version {version} of {name}", f"there is {', '.join(versions[:5])}")
        else:
            names = registry.template_names()
            meant = nearest(name, names)
            suggestion = f"did you mean {meant}?" if meant else f"there is {', '.join(sorted(names)[:20])}" if names else None
            mistakes.add(UnknownTemplate, place, f"unknown template {name}", suggestion)
    return template


class _Checker:
    def __init__(self, document: Document, registry: Registry, context: PlanContext, mistakes: Mistakes) -> None:
        self._document = document
        self._registry = registry
        self._mistakes = mistakes
        self._sources = Sources(context)
        self._binder = Binder(registry, mistakes, context.max_iterations)
        self._bound: dict[str, Place] = {}
        self._mended = False

    def statements(self, common: Sequence[Supplied]) -> list[ResolvedStatement]:
        for statement in self._document.statements:
            if statement.name is not None:
                self._bind_name(statement.name, (statement.start, statement.start + len(statement.name)))
        resolved: list[ResolvedStatement] = []
        for statement in self._document.statements:
            self._mended = statement.mended
            command = self._command(statement.command, common)
            used, awaited = _names(statement.command)
            needs = tuple(Bound(name.name, (name.start, name.end)) for name in (*used, *awaited) if name.name in self._bound)
            uses = frozenset(name.name for name in used)
            resolved.append(ResolvedStatement(statement.name, command, (statement.start, statement.end), needs, uses))
        self._check_circles(resolved)
        return resolved

    def _bind_name(self, name: str, place: Place) -> None:
        if name in ("true", "false", "null", *FUNCTIONS):
            self._mistakes.add(DocumentInvalid, place, f"`{name}` has a meaning of its own", "choose another name")
        elif name in self._bound:
            line = self._mistakes.line(self._bound[name][0])
            self._mistakes.add(UnknownName, place, f"`{name}` is bound twice, first on line {line}", "choose another name")
        self._bound.setdefault(name, place)

    def _command(self, command: Command, common: Sequence[Supplied] = ()) -> ResolvedCommand | None:
        place = (command.template_start, command.template_end)
        template = find_template(self._registry, command.template, command.version, place, self._mistakes)
        positional, named = self._arguments(command.arguments)
        given = {one.name for one in named}
        named += [one for one in common if one.name not in given]
        if template is None:
            read_options({one.name: one for one in named if one.name in OPTION_NAMES}, self._registry, self._mistakes)
            return None
        return self._binder.bind(template, positional, named, place)

    def _arguments(self, arguments: Sequence[Argument]) -> tuple[list[Supplied], list[Supplied]]:
        """Positional and named arguments; the last positional one is a set of named ones if it is an object."""
        positional = [argument for argument in arguments if argument.name is None]
        named = [argument for argument in arguments if argument.name is not None]
        first_named = named[0].start if named else len(self._document.text)
        late = [argument for argument in positional if argument.start > first_named]
        positional = [argument for argument in positional if argument.start < first_named]
        if late and not self._mended:
            message = "an argument without a name stands behind named ones"
            self._mistakes.add(DocumentInvalid, (late[0].value.start, late[0].value.end), message, "put it first, or give it a name")
            for argument in late:
                self._value(argument.value)
        last = positional[-1].value if positional else None
        pairs: list[Supplied] = []
        if isinstance(last, Object):
            positional.pop()
            pairs = [self._supplied(entry.key, entry.value, (entry.start, entry.end)) for entry in last.entries]
        return (
            [self._supplied("", argument.value, (argument.start, argument.end)) for argument in positional],
            pairs + [self._supplied(argument.name or "", argument.value, (argument.start, argument.end)) for argument in named],
        )

    def _supplied(self, name: str, value: Value, place: Place) -> Supplied:
        if (name in COMMAND_NAMES or name == "join") and (call := _call_in(value)) is not None:
            what = "a join may name" if name == "join" else f"a {name} is"
            message = f"{what} a command that runs on this machine: it is written out, not read from elsewhere"
            self._mistakes.add(SourceRefused, (call.start, call.end), message, f'{name}="…"')
            return Supplied(name, Lost(), place, (value.start, value.end))
        return Supplied(name, self._value(value), place, (value.start, value.end))

    def _value(self, value: Value) -> Given:
        match value:
            case Literal(value=plain):
                return plain
            case Array(items=items):
                return [self._value(item) for item in items]
            case Object():
                return self._object(value)
            case Command():
                return self._command(value) or Lost()
            case Name(name=name):
                return self._name(name, (value.start, value.end))
            case Call():
                return self._call(value)
            case Broken():
                return Lost()

    def _object(self, value: Object) -> Given:
        pairs: dict[str, Given] = {}
        for entry in value.entries:
            if entry.key in pairs:
                self._mistakes.add(DocumentInvalid, (entry.start, entry.end), f"the key `{entry.key}` is there twice", "leave one of them out")
            pairs[entry.key] = self._value(entry.value)
        return pairs

    def _name(self, name: str, place: Place) -> Given:
        if name in self._bound:
            return Bound(name, place)
        if name not in self._document.lost_names:
            meant = _LITERALS.get(name.lower()) or nearest(name, self._alike(name))
            suggestion = f"did you mean {meant}?" if meant else f'put it in quotes if it is a text: "{name}"'
            self._mistakes.add(UnknownName, place, f"no statement binds the name `{name}`", suggestion)
        return Lost()

    def _alike(self, name: str) -> list[str]:
        """Bound names of about that length; not all of many, for each comparison takes its time."""
        return list(islice((bound for bound in self._bound if abs(len(bound) - len(name)) <= 3), _MOST_COMPARED))

    def _call(self, call: Call) -> Given:
        place = (call.start, call.end)
        if call.function not in FUNCTIONS:
            meant = nearest(call.function, FUNCTIONS)
            if self._registry.versions(call.function):
                meant = f"ABYSSAL[{call.function}]"
            suggestion = f"did you mean {meant}(…)?" if meant else 'there is file("path"), env("NAME") and git("main..HEAD")'
            self._mistakes.add(DocumentInvalid, (call.start, call.start + len(call.function)), f"there is no function `{call.function}`", suggestion)
            return Lost()
        value = call.arguments[0].value if len(call.arguments) == 1 and call.arguments[0].name is None else None
        if isinstance(value, Broken):
            return Lost()
        if not isinstance(value, Literal) or not isinstance(value.value, str):
            self._mistakes.add(DocumentInvalid, place, f"`{call.function}` takes one text", FUNCTIONS[call.function])
            return Lost()
        try:
            return Elsewhere(self._sources.read(call.function, value.value))
        except Refused as refused:
            self._mistakes.add(SourceRefused, (value.start, value.end), str(refused), refused.suggestion)
            return Lost()

    def _check_circles(self, statements: Sequence[ResolvedStatement]) -> None:
        """Note every circle of names, once, printed."""
        # A name that is bound twice means its first statement.
        latest_first = {statement.name: statement for statement in reversed(statements) if statement.name is not None}
        by_name = dict(reversed(latest_first.items()))
        done: set[str] = set()
        for root in by_name:
            if root in done:
                continue
            path: list[str] = []
            on_path: dict[str, int] = {}
            stack: list[tuple[str, bool]] = [(root, False)]
            while stack:
                name, leaving = stack.pop()
                if leaving:
                    path.pop()
                    del on_path[name]
                    done.add(name)
                    continue
                if name in done or name in on_path:
                    continue
                on_path[name] = len(path)
                path.append(name)
                stack.append((name, True))
                for bound in by_name[name].needs:
                    if bound.name in on_path:
                        circle = [*path[on_path[bound.name] :], bound.name]
                        self._mistakes.add(CyclicDependencies, bound.place, f"names wait for each other in a circle: {_shown(circle)}")
                    elif bound.name in by_name:
                        stack.append((bound.name, False))


def _names(command: Command) -> tuple[list[Name], list[Name]]:
    """The bare names in a command, in written order: those in values, and those in `after`, at any depth."""
    used: list[Name] = []
    awaited: list[Name] = []
    rest: list[tuple[Value, bool]] = [(command, False)]
    while rest:
        value, waits = rest.pop()
        match value:
            case Name():
                (awaited if waits else used).append(value)
            case Array(items=items):
                rest.extend((item, waits) for item in reversed(items))
            case Object(entries=entries):
                rest.extend((entry.value, waits) for entry in reversed(entries))
            case Command(arguments=arguments):
                inside = [*_named_parts(arguments)]
                rest.extend((part, waits or name == "after") for name, part in reversed(inside))
            case _:
                pass
    return used, awaited


def _call_in(value: Value) -> Call | None:
    """A source that is read in the value."""
    match value:
        case Call():
            return value
        case Object(entries=entries):
            return next((call for entry in entries if (call := _call_in(entry.value)) is not None), None)
        case Array(items=items):
            return next((call for item in items if (call := _call_in(item)) is not None), None)
        case _:
            return None


def _named_parts(arguments: Sequence[Argument]) -> list[tuple[str | None, Value]]:
    """Arguments and, where the last positional one is an object, its entries."""
    parts: list[tuple[str | None, Value]] = []
    for argument in arguments:
        if argument.name is None and isinstance(argument.value, Object):
            parts += [(entry.key, entry.value) for entry in argument.value.entries]
        else:
            parts.append((argument.name, argument.value))
    return parts


def _shown(circle: list[str]) -> str:
    return " → ".join(circle if len(circle) <= 12 else [*circle[:6], "…", *circle[-5:]])
