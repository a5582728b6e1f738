"""What somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, whatever its case and whether it has `_` or `-`; None where none is near."""
    plain = {_plain(candidate): candidate for candidate in known}
    matches = get_close_matches(_plain(word), plain, n=1, cutoff=0.65)
    return plain[matches[0]] if matches else None


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
