"""`abathur template`: which templates there are."""

from collections.abc import Mapping
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, Invocation, group, invocation
from abathur_tui.cli.opening import opened_if_there, tell_notices, workbench
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.domain.errors import NotFound
from abathur_tui.domain.nearest import nearest
from abathur_tui.domain.templates import Parameter, Template, TemplateUse
from abathur_tui.storage.views.templates import template_uses

commands = group(
    "List, show, check and keep templates.",
    """
    abathur template list
    abathur template show CODE
    abathur template register story.toml
    abathur template list --json | jq -r '.[].name'
    """,
)


@commands.command(
    "list",
    cls=Command,
    epilog="""
    abathur template list
    abathur template list --json
    """,
)
def list_templates(context: typer.Context) -> None:
    """List the templates that can be used here, with how they have done.

    By category, those that are used most first.
    """
    call = invocation(context)
    bench = workbench(call)
    uses = _uses(call)
    templates = sorted(_newest(bench.templates()), key=lambda template: (template.category, -_record(uses, template).uses, template.name))
    tell_notices(call, tuple(map(str, bench.registry.notices)))
    if call.json:
        output.document([_data(template, _record(uses, template)) for template in templates])
        return
    rows = [
        (template.name, template.version, template.category, str(_record(uses, template).uses or ""), template.description) for template in templates
    ]
    output.table(("NAME", "VERSION", "CATEGORY", "USES", "WHAT IT IS FOR"), rows, right=frozenset({3}))


@commands.command(
    "show",
    cls=Command,
    epilog="""
    abathur template show CODE
    abathur template show CODE@1.0.0 --json | jq .parameters
    abathur template show CODE --text > code.toml
    """,
)
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="The template.")],
    text: Annotated[bool, typer.Option("--text", help="The text of its file, and nothing else.")] = False,
) -> None:
    """Show a template: its parameters, agent and what is nested in it."""
    call = invocation(context)
    bench = workbench(call)
    wanted, _, version = name.partition("@")
    template = bench.registry.template(wanted, version or None)
    if template is None:
        names = bench.registry.template_names()
        near = nearest(wanted, names) if wanted not in names else None
        known = f"Its versions are: {', '.join(bench.registry.versions(wanted))}." if wanted in names else "See `abathur template list`."
        raise NotFound(f"There is no template {name}.", hint=f"Did you mean {near}?" if near else known)
    record = _record(_uses(call), template)
    if text:
        output.result(template.text)
    elif call.json:
        output.document(_data(template, record))
    else:
        output.lines(*_described(template, record))


def _newest(templates: tuple[Template, ...]) -> list[Template]:
    """One version of each name: the one that is taken when none is named."""
    first: dict[str, Template] = {}
    for template in templates:
        first.setdefault(template.name, template)
    return list(first.values())


def _uses(call: Invocation) -> dict[tuple[str, str], TemplateUse]:
    """How templates have done here, by name and version; nothing where there is no project."""
    with opened_if_there(call) as project:
        return {} if project is None else project.database.read_now(template_uses)


def _record(uses: Mapping[tuple[str, str], TemplateUse], template: Template) -> TemplateUse:
    return uses.get((template.name, template.version), TemplateUse())


def _data(template: Template, record: TemplateUse) -> JsonObject:
    return {
        "name": template.name,
        "version": template.version,
        "category": template.category,
        "description": template.description,
        "kind": str(template.kind),
        "agent": template.agent,
        "origin": template.origin,
        "file": template.file,
        "parameters": [_parameter_data(parameter) for parameter in template.parameters],
        "nested": [nested.template for nested in template.nested],
        "uses": record.uses,
        "success_rate": record.success_rate,
        "mean_seconds": record.mean_seconds,
        "mean_cost_usd": record.mean_cost_usd,
    }


def _parameter_data(parameter: Parameter) -> JsonObject:
    return {
        "name": parameter.name,
        "type": str(parameter.kind),
        "required": parameter.required,
        "default": parameter.default,
        "choices": list[JsonValue](parameter.choices),
        "suggestions": list[JsonValue](parameter.suggestions),
        "description": parameter.description,
    }


def _described(template: Template, record: TemplateUse) -> list[str]:
    lines = [f"{template.name} {template.version}  ({template.category}, {template.origin})", template.description, "", "Parameters:"]
    for parameter in template.parameters:
        needed = "required" if parameter.required else f"default {parameter.default!r}" if parameter.default is not None else "optional"
        kind = f"{parameter.kind}({', '.join(parameter.choices)})" if parameter.choices else str(parameter.kind)
        description = parameter.description and parameter.description.rstrip(".") + "."
        usual = f" Usual: {', '.join(parameter.suggestions)}." if parameter.suggestions else ""
        lines.append(f"  {parameter.name}  {kind}, {needed}. {description}{usual}".rstrip())
    lines += ["", f"Agent: {template.agent}", f"Kind: {template.kind}", f"File: {template.file}"]
    if template.nested:
        lines.append(f"Nests: {', '.join(nested.template for nested in template.nested)} ({template.nesting})")
    if record.uses:
        rate = "" if record.success_rate is None else f", {record.success_rate:.0%} succeeded"
        seconds = "" if record.mean_seconds is None else f", {record.mean_seconds:.1f} s on average"
        lines.append(f"Used {'once' if record.uses == 1 else f'{record.uses} times'} here{rate}{seconds}")
    subject = template.subject
    if subject:
        lines += ["", f"For example: abathur run 'ABYSSAL[{template.name}](\"{subject.suggestions[0] if subject.suggestions else subject.name}\")'"]
    return lines
