"""Arguments against a template's declaration: names, types, what is required, and what may pass undeclared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from abathur_tui.domain.errors import DocumentInvalid, MissingParameter, SourceRefused, UnknownParameter, WrongValue
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.templates import Parameter, ParameterKind, Registry, Template
from abathur_tui.language.drafts import Result
from abathur_tui.language.loops import BUDGET, COMMAND_NAMES, LOOP_NAMES, UNLIMITED, is_loop, read_loop
from abathur_tui.language.mistakes import Mistakes
from abathur_tui.language.options import OPTION_NAMES, read_options
from abathur_tui.language.resolved import Bound, Given, Lost, Place, ResolvedCommand, Supplied, elsewhere, given
from abathur_tui.language.roles import agent_for, role_parameter
from abathur_tui.language.spelling import nearly
from abathur_tui.language.success import CRITERIA, is_command

_BY_ENGINE = frozenset({"results", "instance", "instances"})
"""Names that the engine gives to every prompt."""
_OPTIONS = sorted(OPTION_NAMES)
_WANTED = {
    ParameterKind.STRING: "a text",
    ParameterKind.NUMBER: "a number",
    ParameterKind.BOOLEAN: "true or false",
    ParameterKind.ARRAY: "an array",
    ParameterKind.OBJECT: "an object",
    ParameterKind.TEXTS: "a text or an array",
}
_TYPES: dict[ParameterKind, type | tuple[type, ...]] = {
    ParameterKind.STRING: str,
    ParameterKind.NUMBER: (int, float),
    ParameterKind.BOOLEAN: bool,
    ParameterKind.ARRAY: list,
    ParameterKind.OBJECT: dict,
    ParameterKind.ENUM: str,
    ParameterKind.TEXTS: (str, list),
}


@dataclass(frozen=True, slots=True)
class Binder:
    """Binds arguments to templates."""

    registry: Registry
    mistakes: Mistakes
    max_iterations: int
    """Passes of a loop that names no limit."""

    def bind(
        self, template: Template, positional: Sequence[Supplied], named: Sequence[Supplied], place: Place, *, looped: bool = False
    ) -> ResolvedCommand | None:
        """The checked command; None where it has mistakes, which are noted. `place` is the template's name in the text.

        `looped`: it is done in a loop, whatever its template is.
        """
        before = len(self.mistakes)
        supplied = self._supplied(template, positional, named)
        declared = {parameter.name: parameter for parameter in template.parameters}
        loops = looped or is_loop(template, supplied)
        options = {name: one for name, one in supplied.items() if name in OPTION_NAMES and name not in declared and not (loops and name == BUDGET)}
        parameters: dict[str, Given] = {}
        misspelt = {nearly(name, list(declared)) for name in supplied if name not in declared and name not in options}
        for name, parameter in declared.items():
            told = len(self.mistakes)
            if name not in misspelt:  # whoever is told of the slip is not told as well that the name is missing
                parameters[name] = self._declared(template, parameter, supplied.get(name), place)
            if name in supplied and len(self.mistakes) > told:
                supplied[name] = replace(supplied[name], value=Lost())  # nobody is told a second time what is wrong with it
        for name, one in supplied.items():
            own = name in declared or name in options or (loops and name in LOOP_NAMES)
            if not own and self._may_pass(template, one):
                parameters[name] = one.value
        self._nothing_from_elsewhere(supplied, loops)
        for name in COMMAND_NAMES if loops and template.origin == "project" else ():
            if name not in supplied and parameters.get(name) is not None:
                message = f"{template.name} is a template of the project, which may not name a command to run"
                self.mistakes.add(SourceRefused, place, message, f'write it out: {name}="…"')
        read = read_options(options, self.registry, self.mistakes)
        loop = read_loop(template.name, supplied, parameters, place, self.max_iterations, self.mistakes) if loops else None
        if len(self.mistakes) > before:
            return None
        role = role_parameter(template)
        if role is not None and read.agent is None:
            read = replace(read, agent=agent_for(parameters.get(role), self.registry))
        return ResolvedCommand(template, parameters, read, place, loop)

    def _nothing_from_elsewhere(self, supplied: Mapping[str, Supplied], loops: bool) -> None:
        """Whatever is run on this machine was typed, however many templates have handed it on."""
        read_in = [name for name in COMMAND_NAMES if loops and name in supplied and elsewhere(supplied[name].value)]
        if CRITERIA in supplied and any(map(is_command, elsewhere(supplied[CRITERIA].value))):
            read_in.append(CRITERIA)
        for name in read_in:
            message = f"`{name}` names a command that runs on this machine: it is written out, not read from elsewhere"
            self.mistakes.add(SourceRefused, supplied[name].value_place, message, f'{name}="…"')

    def _supplied(self, template: Template, positional: Sequence[Supplied], named: Sequence[Supplied]) -> dict[str, Supplied]:
        """All values by name; each one that cannot be placed is noted."""
        supplied: dict[str, Supplied] = {}
        for number, one in enumerate(positional):
            if number < len(template.parameters):
                name = template.parameters[number].name
                supplied[name] = Supplied(name, one.value, one.place, one.value_place)
            else:
                takes = f"at most {number}" if number else "none"
                self.mistakes.add(UnknownParameter, one.place, f"{template.name} takes {takes} without a name", "give it a name: name=value")
                break
        for one in named:
            if one.name in supplied:
                first = supplied[one.name]
                how = "as the first argument" if first.place == first.value_place else "before"
                self.mistakes.add(DocumentInvalid, one.place, f"`{one.name}` is given twice: it stands {how}", "leave one of them out")
            else:
                supplied[one.name] = one
        return supplied

    def _declared(self, template: Template, parameter: Parameter, one: Supplied | None, place: Place) -> Given:
        """The value of a declared parameter."""
        if one is None or one.value is None:
            if parameter.required and parameter.default is None:
                choices = _choices(parameter)
                what = f"`{parameter.name}`" + (f" ({parameter.description})" if parameter.description else "")
                where = place if one is None else one.place
                self.mistakes.add(MissingParameter, where, f"{template.name} needs {what}", f"{parameter.name}={choices}")
            return given(parameter.default)
        if (parameter.name, one.value) != ("max_iterations", UNLIMITED):  # a loop takes that word for a number
            self._check_type(parameter, one)
        return one.value

    def _check_type(self, parameter: Parameter, one: Supplied) -> None:
        value, kind = one.value, parameter.kind
        if isinstance(value, Lost):
            return
        if isinstance(value, Bound | ResolvedCommand | Result):
            if kind not in (ParameterKind.STRING, ParameterKind.TEXTS):
                wanted = _WANTED.get(kind, "one of its choices")
                self._wrong(one, f"`{parameter.name}` takes {wanted}; a result is text, and not known before it is there")
            return
        if not isinstance(value, _TYPES[kind]) or (kind is ParameterKind.NUMBER and isinstance(value, bool)):
            wanted = f"one of {', '.join(parameter.choices)}" if kind is ParameterKind.ENUM else _WANTED[kind]
            self._wrong(one, f"`{parameter.name}` takes {wanted}, not {_kind_of(value)}", _mended(kind, value))
        elif kind is ParameterKind.ENUM and value not in parameter.choices:
            meant = nearest(str(value), parameter.choices)
            suggestion = f'did you mean "{meant}"?' if meant else None
            self._wrong(one, f"`{parameter.name}` takes one of {', '.join(parameter.choices)}", suggestion)

    def _may_pass(self, template: Template, one: Supplied) -> bool:
        """Whether an undeclared name reaches the prompt as context; where it does not, that is noted."""
        declared = [parameter.name for parameter in template.parameters]
        slip = nearly(one.name, declared) or nearly(one.name, _OPTIONS)
        if slip in OPTION_NAMES and one.name == f"{slip}s":
            slip = None  # `models=["User", "Post"]` is no slip for `model`
        if slip is None and template.extra and one.name not in _BY_ENGINE and one.name != "max_iterations":
            return True
        if one.name == "max_iterations":
            message = f"{template.name} is no loop: `max_iterations` needs a criterion"
            self.mistakes.add(UnknownParameter, one.place, message, 'give criterion="…", or measure="command", metric, target and direction as well')
            return False
        meant = slip or nearest(one.name, [*declared, *_OPTIONS])
        suggestion = f"did you mean {meant}?" if meant else f"it takes {', '.join(declared)}" if declared else None
        message = f"{template.name} has no parameter `{one.name}`"
        if one.name in _BY_ENGINE:
            message, suggestion = f"`{one.name}` is a name that prompts have already", "choose another name"
        self.mistakes.add(UnknownParameter, one.place, message, suggestion)
        return False

    def _wrong(self, one: Supplied, message: str, suggestion: str | None = None) -> None:
        self.mistakes.add(WrongValue, one.value_place, message, suggestion)


def _kind_of(value: Given) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "an array"
        case _:
            return "an object"


def _mended(kind: ParameterKind, value: Given) -> str | None:
    """How the same value would have the right type, where that is plain."""
    if isinstance(value, str) and len(value) > 40:
        return None
    match kind, value:
        case ParameterKind.ARRAY, str():
            return f'["{value}"]'
        case ParameterKind.NUMBER, str() if value.replace(".", "", 1).isdecimal():
            return f"without quotes: {value}"
        case ParameterKind.BOOLEAN, str() if value.lower() in ("true", "false"):
            return f"without quotes: {value.lower()}"
        case ((ParameterKind.STRING | ParameterKind.ENUM | ParameterKind.TEXTS), (int() | float())) if not isinstance(value, bool):
            return f'in quotes: "{value}"'
        case _:
            return None


def _choices(parameter: Parameter) -> str:
    if parameter.choices:
        return " or ".join(f'"{choice}"' for choice in parameter.choices)
    shown = {ParameterKind.NUMBER: "…", ParameterKind.BOOLEAN: "true", ParameterKind.ARRAY: "[…]", ParameterKind.OBJECT: "{…}"}
    return shown.get(parameter.kind, '"…"')
