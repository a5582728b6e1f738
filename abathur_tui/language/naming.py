"""What lists show of a node: `CODE auth service`."""

import json

from abathur_tui.domain.plan import JoinStrategy
from abathur_tui.domain.safe_text import safe_line
from abathur_tui.domain.templates import Template
from abathur_tui.language.drafts import Draft, Placed, Result

LONGEST_NAME = 60
_JOIN = "JOIN "


def node_name(template: Template, values: dict[str, Placed]) -> str:
    """The template's name and its subject."""
    subject = values.get(template.subject.name) if template.subject else None
    return shortened(f"{template.name} {_shown(subject)}")


def join_name(name: str) -> str:
    """The name of the join around the step of this name."""
    return shortened(_JOIN + name)


def instances_name(strategy: JoinStrategy, name: str) -> str:
    """The name of the join of several instances of the step of this name: `BEST CODE auth service`."""
    return shortened(f"{strategy.upper()} {name}")


def inputs_name(strategy: JoinStrategy, name: str) -> str:
    """The name of the join of what the step of this name takes in."""
    return shortened(f"{strategy.upper()} for {name}")


def label(draft: Draft) -> str:
    """How other nodes' texts name it."""
    return draft.own_steps()[0].name


def shortened(text: str) -> str:
    """The text on one line of at most `LONGEST_NAME` characters, cut between words where that is possible."""
    line = " ".join(safe_line(text[: LONGEST_NAME * 10]).split())
    if len(line) <= LONGEST_NAME:
        return line
    cut = line[: LONGEST_NAME - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > LONGEST_NAME // 2 else cut).rstrip(" ,.;:") + "…"


def _shown(value: Placed) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case Result(draft=draft):
            return label(draft)
        case list():
            return ", ".join(_shown(item) for item in value[:LONGEST_NAME])
        case _:
            return json.dumps(value, ensure_ascii=False, default=lambda result: label(result.draft))
