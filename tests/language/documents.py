"""Documents made by hypothesis: every construct, in every layout, with comments everywhere."""

import json

from hypothesis import strategies as st

_NAMES = st.sampled_from(["a", "b", "gateway", "Tests", "x_1", "long-name", "truely", "ABYSS", "file_1"])
_TEMPLATES = st.sampled_from(["CODE", "TEST", "my-review", "T2"])
_BLANKS = st.sampled_from(
    ["", " ", "  ", "\n", "\n\n\n", "\t", "\r\n", " # a comment\n", "\n// another, with \"quotes' and [brackets\n", "# x\n\n# y\n"]
)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_NUMBERS = st.one_of(
    st.integers(-(10**18), 10**18).map(str), st.floats(allow_nan=False, allow_infinity=False).map(json.dumps).filter(lambda text: len(text) < 90)
)


@st.composite
def strings(draw: st.DrawFn) -> str:
    """A string literal of any of the forms."""
    text = draw(_TEXTS)
    escaped = json.dumps(text, ensure_ascii=draw(st.booleans()))[1:-1]
    escaped = "".join(letter if letter >= " " and letter != "\x7f" else f"\\u{ord(letter):04x}" for letter in escaped)
    form = draw(st.integers(0, 3))
    if form == 0:
        return "'" + escaped.replace('\\"', '"').replace("'", "\\'") + "'"
    if form == 1:
        quotes = draw(st.sampled_from(['"""', "'''"]))
        return quotes + escaped.replace("\\n", "\n").replace("'", "\\'") + quotes
    return f'"{escaped}"'


@st.composite
def _listed(draw: st.DrawFn, opening: str, closing: str, items: list[str]) -> str:
    parts = [opening]
    for index, item in enumerate(items):
        comma = "," if index < len(items) - 1 or draw(st.booleans()) else ""
        parts += [draw(_BLANKS), item, draw(_BLANKS), comma]
    return "".join([*parts, draw(_BLANKS), closing])


@st.composite
def values(draw: st.DrawFn, depth: int = 3) -> str:
    """Any value."""
    plain: st.SearchStrategy[str] = st.one_of(
        strings(), _NUMBERS, st.sampled_from(["true", "false", "null"]), _NAMES, st.just('file("a/b")'), st.just("env( 'X' ,)")
    )
    if depth == 0:
        return draw(plain)
    inner = values(depth - 1)
    match draw(st.integers(0, 6)):
        case 0:
            return draw(_listed("[", "]", draw(st.lists(inner, max_size=4))))
        case 1:
            keys = st.one_of(_NAMES, strings().filter(lambda key: key[:3] not in ('"""', "'''")), st.sampled_from(["true", "ABYSSAL"]))
            pairs = draw(st.lists(st.tuples(keys, _BLANKS, inner), max_size=4))
            return draw(_listed("{", "}", [f"{key}{blank}:{blank}{value}" for key, blank, value in pairs]))
        case 2:
            return draw(commands(depth - 1))
        case _:
            return draw(plain)


@st.composite
def commands(draw: st.DrawFn, depth: int = 2) -> str:
    """Any command."""
    positional = draw(st.lists(values(depth), max_size=2))
    named = draw(st.lists(st.tuples(_NAMES, _BLANKS, values(depth)), max_size=3))
    arguments = [*positional, *(f"{name}{blank}={blank}{value}" for name, blank, value in named)]
    version = draw(st.sampled_from(["", "@1.2.0"]))
    head = "".join(["ABYSSAL", draw(_BLANKS), "[", draw(_BLANKS), draw(_TEMPLATES), version, draw(_BLANKS), "]", draw(_BLANKS)])
    return head + draw(_listed("(", ")", arguments))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Any document without mistakes of its syntax."""
    parts = [draw(_BLANKS)]
    for _ in range(draw(st.integers(0, 4))):
        binding = draw(st.one_of(st.just(""), st.tuples(_NAMES, _BLANKS).map(lambda pair: f"{pair[0]}{pair[1]}={pair[1]}")))
        parts += [binding, draw(commands()), draw(_BLANKS)]
    return "".join(parts)
