"""Leading the embedded model through a long prompt part by part: asked for all of it at once, a model of its size answers beside the point.

A prompt that names the headings of its answer in quotes (`Under "## Risks" name the three largest…`) is an outline: each part is asked for on
its own, and stands in the answer under the heading that the prompt wanted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from abathur_tui.domain.conversation import Message, TurnRequest

MANNER = "Answer briefly and concretely."
_FEWEST_PARTS = 2
_MOST_MATERIAL_CHARACTERS = 1_200
"""So much of what else the prompt brings (results, constraints) goes with each part."""

_QUOTED_HEADING = re.compile(r'"(?P<marks>#{1,4}) (?P<words>[^"\n]{1,100})"')
_REAL_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_LEADS = re.compile(r"(?:^|(?<=[.!?;:]))\s*(?:and |then )?(?:under|then|end with|start with|begin with|in)\s*$", re.IGNORECASE)
"""The words before a quoted heading, which belong to it and not to the part before."""


@dataclass(frozen=True, slots=True)
class Part:
    """One heading of the answer, and what is asked for under it."""

    heading: str
    """With its marks: `## Risks`."""
    prompt: str


@dataclass(frozen=True, slots=True)
class Outline:
    """An answer's title, empty where none is wanted, and its parts in order."""

    title: str
    parts: tuple[Part, ...]


def outline_of(messages: Sequence[Message]) -> Outline | None:
    """The outline that a conversation's only message asks for; None where it asks for none."""
    if len(messages) != 1 or messages[0].role != "user":
        return None
    prompt = messages[0].text
    real = _REAL_HEADING.search(prompt)
    asked, material = (prompt[: real.start()], prompt[real.start() :]) if real else (prompt, "")
    headings = list(_QUOTED_HEADING.finditer(asked))
    wanted = [heading for heading in headings if len(heading["marks"]) > 1]
    if len(wanted) < _FEWEST_PARTS:
        return None
    opening = _LEADS.sub("", asked[: headings[0].start()]).split("\n\n")[0].strip()
    ends = [heading.start() for heading in headings[1:]] + [len(asked)]
    parts = []
    for heading, end in zip(headings, ends, strict=True):
        if heading in wanted:
            instruction = _instruction(asked[heading.end() : end])
            question = f'{opening}\n\nUnder "{heading["words"]}" {instruction}'.strip()
            parts.append(Part(f"{heading['marks']} {heading['words']}", question + _cut_material(material)))
    title = next((f"# {heading['words']}" for heading in headings if len(heading["marks"]) == 1), "")
    return Outline(title, tuple(parts))


def manner_of(request: TurnRequest) -> str:
    """The system prompt in short: its first paragraph says who speaks; the rest is rules and tools that the model only gets lost in."""
    first = request.system.strip().split("\n\n")[0].strip()
    return f"{first}\n\n{MANNER}" if first else MANNER


def _instruction(text: str) -> str:
    first = text.split("\n\n")[0]
    return " ".join(_LEADS.sub("", first).strip(" :\n").split()) or "say what belongs there."


def _cut_material(text: str) -> str:
    shown = text.strip()
    if not shown:
        return ""
    return f"\n\n{shown if len(shown) <= _MOST_MATERIAL_CHARACTERS else shown[:_MOST_MATERIAL_CHARACTERS] + '…'}"
