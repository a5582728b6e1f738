"""How long ABYSSAL takes: a mebibyte of text, ten thousand tasks, and a text that is too long.

    python benchmarks/language.py [--times 3]

Each line gives the best of some runs in seconds of processor time, and beside it a figure of the same run to compare with: for reading,
lark's own loop over the same grammar and text; for a longer text, the same work on a part of it (twice the text should take twice as long).
The promises: a mebibyte of anything under 4 s; ten mebibytes refused at once; plans that grow linearly from 1,000 to 10,000 tasks.
"""

import argparse
import gc
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files

from lark import Lark

from abathur_tui.domain.errors import DocumentInvalid
from abathur_tui.language import PlanContext, extract, format, parse, plan
from abathur_tui.library import FileRegistry

MIB = 1_048_576
GRAMMAR = (files("abathur_tui.language") / "grammar.lark").read_text("utf-8")
REGISTRY = FileRegistry(None)
CONTEXT = PlanContext(environ={}, max_nodes=100_000)


def seconds(work: Callable[[], object], times: int) -> float:
    """The best of some runs, in seconds of processor time."""
    best = float("inf")
    for _ in range(times):
        gc.collect()
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def report(what: str, figure: float, compared: str) -> None:
    """One line."""
    print(f"{what:<58} {figure:8.3f} s   {compared}", flush=True)


def repeated(piece: str, size: int) -> str:
    """The piece as often as it fits into the size."""
    return piece * (size // len(piece))


def reading(times: int) -> None:
    """A mebibyte of several kinds, read."""
    kinds = {
        "one command, an array of short numbers": "ABYSSAL[TEST](given=[" + repeated("0,", MIB - 30) + "])",
        "one command, an array of empty arrays": "ABYSSAL[TEST](given=[" + repeated("[],", MIB - 30) + "])",
        "one command, an array of objects": "ABYSSAL[TEST](given=[" + repeated('{name: "value"},', MIB - 30) + "])",
    }
    lark = Lark(GRAMMAR, parser="lalr", lexer="basic")
    for name, text in kinds.items():
        ours, larks = seconds(lambda text=text: parse(text), times), seconds(lambda text=text: lark.parse(text), 1)  # type: ignore[misc]
        report(f"1 MiB, {name}", ours, f"lark's own loop {larks:.3f} s, {ours / larks:.2f} of it")
    piece = 'name = ABYSSAL[CODE]("API gateway", language="go", note=[1, {deep: "value"}])  # a comment\n'
    text = repeated(piece, MIB)
    whole, part = seconds(lambda: parse(text), times), seconds(lambda: parse(repeated(piece, MIB // 8)), times)
    report("1 MiB, statements", whole, f"an eighth of it {part:.3f} s, times {whole / part:.1f}")
    for name, work in (("formatted", format), ("searched for commands", extract)):
        report(f"1 MiB, statements, {name}", seconds(lambda work=work: work(text), 1), "")  # type: ignore[misc]
    for name, hostile in (("brackets", "[" * MIB), ("quotes", '"""\\' * (MIB // 4)), ("unclosed commands", repeated("a = ABYSSAL[A]([\n", MIB))):
        report(f"1 MiB, {name}", seconds(lambda hostile=hostile: refused(hostile), times), "refused with its mistakes")  # type: ignore[misc]
    report("10 MiB", seconds(lambda: refused("x" * (10 * MIB)), times), "refused for its length")


def refused(text: str) -> None:
    """Plan a text that has mistakes."""
    with suppress(DocumentInvalid):
        plan(text, REGISTRY, CONTEXT)
        raise AssertionError("it has mistakes")


def planning(times: int) -> None:
    """Plans of many tasks."""
    shapes: dict[str, Callable[[int], str]] = {
        "statements of their own": lambda count: "".join(f'ABYSSAL[RESEARCH]("question {i}")\n' for i in range(count - 1)),
        "a chain of names": lambda count: 'n0 = ABYSSAL[TEST]("x")\n' + "".join(f"n{i} = ABYSSAL[TEST](n{i - 1})\n" for i in range(1, count - 1)),
        "nested in one command": lambda count: (
            "ABYSSAL[DOCUMENT](" + '"x", parts=[' + "".join(f'ABYSSAL[RESEARCH]("{i}"),' for i in range(count - 1)) + "])"
        ),
    }
    for name, shape in shapes.items():
        small, large = shape(1000), shape(10_000)
        assert len(plan(large, REGISTRY, CONTEXT).nodes) == 10_000
        few, many = (
            seconds(lambda small=small: plan(small, REGISTRY, CONTEXT), times),
            seconds(lambda large=large: plan(large, REGISTRY, CONTEXT), times),
        )  # type: ignore[misc]
        report(f"10,000 tasks, {name}", many, f"1,000 tasks {few:.3f} s, times {many / few:.1f}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--times", type=int, default=3, help="runs of each, of which the best counts (3)")
    times = arguments.parse_args().times
    reading(times)
    planning(times)
