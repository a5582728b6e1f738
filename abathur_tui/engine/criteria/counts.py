"""How many tests passed, read from what the usual runners print: pytest, unittest, cargo, go, jest, vitest, mocha, node's own, JUnit's XML."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What a runner counted."""

    passed: int
    failed: int
    """Errors too."""
    skipped: int = 0

    @property
    def ran(self) -> int:
        """Those that said something."""
        return self.passed + self.failed


_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PYTEST = re.compile(r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+|no tests ran) in [\d.:]+ ?s\b.*$", re.MULTILINE)
_WORDED = re.compile(r"(\d+) ([a-z]+)")
_UNITTEST = re.compile(r"^Ran (\d+) tests? in [\d.]+s\s+^(OK|FAILED|NO TESTS RAN)(?: \((.*)\))?", re.MULTILINE)
_NAMED = re.compile(r"([a-z ]+)=(\d+)")
_CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)
_GO_TEST = re.compile(r"^[ \t]*--- (PASS|FAIL|SKIP): ", re.MULTILINE)
_GO_PACKAGE = re.compile(r"^(ok|FAIL|\?)[ \t]+(\S+)[ \t]+(?:[\d.]+s|\(cached\)|\[[\w ]+\])", re.MULTILINE)
_JEST = re.compile(r"^[ \t]*Tests:?[ \t]+((?:\d+ [a-z]+(?:, | \| )?)+)", re.MULTILINE)
_MOCHA = re.compile(r"^[ \t]*(\d+) (passing|failing|pending)\b", re.MULTILINE)
_NODE = re.compile(r"^(?:#|\N{INFORMATION SOURCE}) (tests|pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)


def read_counts(printed: str) -> Counts | None:
    """What the runner counted; None where none of those that are known said anything."""
    text = _STYLE.sub("", printed).replace("\r\n", "\n")
    for read in _READERS:
        counts = read(text)
        if counts is not None:
            return counts
    return None


def _junit(text: str) -> Counts | None:
    if "<testsuite" not in text:
        return None
    passed = failed = skipped = 0
    for case in text.split("<testcase")[1:]:
        body = case.partition("</testcase>")[0]
        if "<failure" in body or "<error" in body:
            failed += 1
        elif "<skipped" in body:
            skipped += 1
        else:
            passed += 1
    return Counts(passed, failed, skipped)


def _pytest(text: str) -> Counts | None:
    found = _PYTEST.findall(text)
    return None if not found else _by_word(found[-1], ("passed", "xpassed"), ("failed", "error", "errors"), ("skipped", "xfailed", "deselected"))


def _unittest(text: str) -> Counts | None:
    found = _UNITTEST.findall(text)
    if not found:
        return None
    ran, _, detail = found[-1]
    named = {name.strip(): int(number) for name, number in _NAMED.findall(detail)}
    failed = named.get("failures", 0) + named.get("errors", 0) + named.get("unexpected successes", 0)
    skipped = named.get("skipped", 0) + named.get("expected failures", 0)
    return Counts(max(int(ran) - failed - skipped, 0), failed, skipped)


def _cargo(text: str) -> Counts | None:
    found = [tuple(map(int, numbers)) for numbers in _CARGO.findall(text)]
    return Counts(*(sum(column) for column in zip(*found, strict=True))) if found else None


def _go(text: str) -> Counts | None:
    events = [event for line in text.splitlines() if line.startswith('{"') and (event := _go_event(line)) is not None]
    if events:
        return Counts(events.count("pass"), events.count("fail"), events.count("skip"))
    packages = _GO_PACKAGE.findall(text)
    if not packages:
        return None
    tests = _GO_TEST.findall(text)
    if tests and ("PASS" in tests or "FAIL" in tests):
        counts = Counts(tests.count("PASS"), tests.count("FAIL"), tests.count("SKIP"))
        if "PASS" in tests or all(word != "ok" for word, _ in packages):
            return counts
    words = [word for word, _ in packages]
    return Counts(words.count("ok"), words.count("FAIL"), words.count("?"))


def _go_event(line: str) -> str | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event.get("Action") if isinstance(event, dict) and event.get("Test") and event.get("Action") in ("pass", "fail", "skip") else None


def _jest(text: str) -> Counts | None:
    found = _JEST.findall(text)
    return None if not found else _by_word(found[-1], ("passed",), ("failed",), ("skipped", "pending", "todo"))


def _mocha(text: str) -> Counts | None:
    named = {word: int(number) for number, word in _MOCHA.findall(text)}
    return Counts(named.get("passing", 0), named.get("failing", 0), named.get("pending", 0)) if named else None


def _node(text: str) -> Counts | None:
    named = {word: int(number) for word, number in _NODE.findall(text)}
    if not {"tests", "pass", "fail"} <= named.keys():
        return None
    return Counts(named["pass"], named["fail"] + named.get("cancelled", 0), named.get("skipped", 0) + named.get("todo", 0))


def _by_word(text: str, passed: tuple[str, ...], failed: tuple[str, ...], skipped: tuple[str, ...]) -> Counts:
    named = {word: int(number) for number, word in _WORDED.findall(text)}
    return Counts(*(sum(named.get(word, 0) for word in words) for words in (passed, failed, skipped)))


_READERS: tuple[Callable[[str], Counts | None], ...] = (_junit, _pytest, _unittest, _cargo, _node, _jest, _go, _mocha)
