"""Names that are so near to known ones that a slip is likelier than intent."""

from collections.abc import Iterable


def nearly(word: str, known: Iterable[str]) -> str | None:
    """The known name of which `word` is a near miss (a slip of one letter, in long names two, or of case, `_` and `-`); None where there is none.

    Stricter than a suggestion for a word that is wrong anyway: `node` is no slip for `mode`, `priorty` is one for `priority`.
    """
    plain = _plain(word)
    for candidate in known:
        other = _plain(candidate)
        if plain == other or _slips(plain, other) <= _allowed(other):
            return candidate
        if len(other) == 4 and _slips(plain, other) == 1 and (len(plain) != len(other) or sorted(plain) == sorted(other)):
            return candidate
    return None


def _allowed(name: str) -> int:
    return 0 if len(name) < 5 else 1 if len(name) < 8 else 2


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def _slips(word: str, other: str) -> int:
    """Letters left out, put in, changed, or swapped with their neighbour (optimal string alignment); 9 where it is clearly more than two."""
    if abs(len(word) - len(other)) > 2 or len(word) > 64:
        return 9
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        further = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(row[j] + 1, further[j - 1] + 1, row[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            further.append(cost)
        before, row = row, further
    return row[-1]
