"""Votes: what each member's answer is, and which answer most of them gave."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from abathur_tui.domain.data import JsonValue
from abathur_tui.domain.leases import Input
from abathur_tui.engine.joins.json_text import object_in
from abathur_tui.engine.joins.structured import identity

_WORDS = "vote|answer|verdict|decision"
_LINE = re.compile(rf"^[ \t>*_#`-]*(?:(?:my|the|final)[ \t]+)*(?:{_WORDS})[ \t*_`]*[:=][ \t*_`]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_LINE_MARKS = re.compile(r"^[ \t]*(?:[>#]+[ \t]*|[-*+][ \t]+|\d+[.)][ \t]+)+", re.MULTILINE)
_EMPHASIS = re.compile(r"(?<![\w)\]])[*_`]+(?=\S)|(?<=\S)[*_`]+(?![\w(\[])")
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """What some of the members say."""

    shown: str
    """As the first of them wrote it, shortened."""
    members: tuple[Input, ...]


def answers(members: Sequence[Input]) -> list[Answer]:
    """The different answers, in the order of their first voters.

    An answer is the value of `vote`, `answer`, `verdict` or `decision` in a JSON object, else what stands behind one of these words and a
    colon in the last such line, else the whole result. Case, white space, punctuation and emphasis around it do not count.
    """
    groups: dict[str, list[Input]] = {}
    shown: dict[str, str] = {}
    for member in members:
        said = _said(member.result or "")
        key = _normal(said)
        groups.setdefault(key, []).append(member)
        shown.setdefault(key, _short(said))
    return [Answer(shown[key], tuple(voters)) for key, voters in groups.items()]


def normal(text: str) -> str:
    """The text, as it is compared with others: equal for texts that differ in white space, case or emphasis only."""
    plain = _EMPHASIS.sub("", _LINE_MARKS.sub("", unicodedata.normalize("NFKC", text).casefold()))
    return " ".join(plain.split()).strip(" \"'.,;:!?…")


def _said(text: str) -> JsonValue:
    found = object_in(text)
    if found is not None:
        for name, value in found.items():
            if re.fullmatch(_WORDS, name.strip(), re.IGNORECASE) and value is not None:
                return value
    lines = _LINE.findall(text)
    return lines[-1] if lines else text


def _normal(said: JsonValue) -> str:
    if not isinstance(said, str):
        return identity(said)
    plain = normal(said)
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", plain) and len(plain) < 30:
        return identity(float(plain))
    return plain


def _short(said: JsonValue) -> str:
    line = " ".join((said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)).split()).strip("*_` ")
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
