"""`abathur config`: settings, and where they come from."""

import json
from collections.abc import Container
from typing import Annotated

import typer

from abathur_tui.cli import output
from abathur_tui.cli.invocation import Command, Form, group, invocation
from abathur_tui.cli.opening import workbench
from abathur_tui.domain.data import JsonObject, JsonValue
from abathur_tui.project import find
from abathur_tui.settings import user_file

commands = group(
    "Show settings and where they come from.",
    """
    abathur config show
    abathur config show --origin
    abathur config path
    """,
)


@commands.command(
    "show",
    cls=Command,
    epilog="""
    abathur config show
    abathur config show --origin
    ABATHUR_SWARM__MAX_AGENTS=20 abathur config show --json | jq .swarm
    """,
)
def show(context: typer.Context, origin: Annotated[bool, typer.Option("--origin", help="Where each value came from.")] = False) -> None:
    """Show the settings that hold here."""
    call = invocation(context)
    loaded = workbench(call).loaded
    values = _flat(loaded.settings.model_dump(mode="json"), loaded.origin)
    if call.json:
        if origin:
            output.document({key: {"value": value, "origin": loaded.origin[key]} for key, value in values.items()})
        else:
            output.document(loaded.settings.model_dump(mode="json"))
    elif call.form is Form.TABLE or origin:
        output.table(("KEY", "VALUE", "FROM"), [(key, _text(value), loaded.origin[key]) for key, value in values.items()])
    else:
        output.lines(*(f"{key} = {_text(value)}" for key, value in values.items()))


@commands.command(
    "path",
    cls=Command,
    epilog="""
    abathur config path
    ${EDITOR:-vi} "$(abathur config path)"
    """,
)
def path(context: typer.Context) -> None:
    """Show where your own config file is.

    With --json, those of the project too.
    """
    call = invocation(context)
    place = find(call.project)
    if call.json:
        files = {"project": str(place.data / "config.toml"), "local": str(place.data / "local.toml")} if place else {"project": None, "local": None}
        output.document({"user": str(user_file()), **files})
    else:
        output.lines(str(user_file()))


def _flat(table: JsonObject, settings: Container[str], prefix: str = "") -> JsonObject:
    """Values by dotted key; `settings` are the keys that hold one."""
    flat: JsonObject = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        flat |= _flat(value, settings, f"{key}.") if isinstance(value, dict) and key not in settings else {key: value}
    return flat


def _text(value: JsonValue) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
