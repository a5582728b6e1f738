"""`docs/errors.md`, made from the errors' own docstrings: `python -m abathur_tui.domain.error_reference > docs/errors.md`."""

import inspect

from abathur_tui.domain.errors import AbathurError, Exit

_EXITS: dict[int, str] = {
    Exit.DONE: "done",
    Exit.FAILED: "failed",
    Exit.WRONG_USE: "wrong use",
    Exit.NOT_FOUND: "not found",
    Exit.REFUSED: "refused (budget, permission, account, full)",
    Exit.INTERRUPTED: "interrupted by Ctrl-C",
    141: "whoever read standard output has gone, as `head` does",
    143: "an engine in the foreground was ended by SIGTERM",
}
_HEAD = """\
# Errors

<!-- Made by `python -m abathur_tui.domain.error_reference`; edit the docstrings in abathur_tui/domain/errors/ instead. -->

Each error of Abathur has a code that never changes its meaning. Commands write it to standard error: for people with what happened, the
place where there is one, and what to do; with `--json` as one object,
`{"error": {"code", "message", "hint", "details": [{"line", "column", "message", "suggestion"}]}}`. `--debug` adds the stack trace.

"""


def page() -> str:
    """The whole page."""
    exits = "".join(f"| {int(code)} | {meaning} |\n" for code, meaning in _EXITS.items())
    kinds = sorted(concrete(AbathurError), key=lambda kind: kind.code)
    return f"{_HEAD}| exit code | means |\n|---|---|\n{exits}\n{''.join(_entry(kind) for kind in kinds)}".rstrip() + "\n"


def concrete(kind: type[AbathurError]) -> list[type[AbathurError]]:
    """The classes at and under `kind` that have a code of their own."""
    own = [kind] if "code" in vars(kind) and kind is not AbathurError else []
    return own + [found for below in kind.__subclasses__() for found in concrete(below)]


def _entry(kind: type[AbathurError]) -> str:
    title, _, cause = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")
    paragraphs = [f"## {kind.code}: {title}", " ".join(cause.split())]
    if kind.hint:
        paragraphs.append(f"*What to do:* {kind.hint}")
    paragraphs.append(f"Exit code {int(kind.exit)}.")
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n\n"


if __name__ == "__main__":
    print(page(), end="")
