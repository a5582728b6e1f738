"""Counts of tests, from what runners print."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from abathur_tui.engine.criteria.counts import Counts, read_counts

GO = """=== RUN   TestAdd
--- PASS: TestAdd (0.00s)
=== RUN   TestSub
    sub_test.go:9: got 1
--- FAIL: TestSub (0.00s)
FAIL
FAIL\texample.com/calc\t0.003s
FAIL
"""
GO_PACKAGES = "ok  \texample.com/a\t0.003s\nok  \texample.com/b\t(cached)\n?   \texample.com/c\t[no test files]\n"
CARGO = """running 3 tests
test tests::a ... ok
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests calc
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.31s
"""
JEST = "Test Suites: 1 failed, 1 passed, 2 total\nTests:       1 failed, 1 skipped, 5 passed, 7 total\nSnapshots:   0 total\n"
VITEST = " Test Files  1 failed (1)\n      Tests  1 failed | 2 passed (3)\n   Start at  10:00:00\n"
NODE_TAP = "TAP version 13\n# tests 5\n# suites 0\n# pass 3\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n"
NODE_SPEC = "✔ adds (0.5ms)\nℹ tests 2\nℹ suites 0\nℹ pass 2\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0\n"
JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="s" tests="4" failures="1" errors="1">
<testcase name="a" time="0.1"/><testcase name="b"><failure message="no">x</failure></testcase>
<testcase name="c"><error/></testcase><testcase name="d"><skipped/></testcase></testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("printed", "counts"),
    [
        ("===== 3 passed in 0.01s =====", Counts(3, 0)),
        ("\x1b[31m=== \x1b[1m1 failed\x1b[0m, 2 passed, 1 skipped, 1 xfailed, 3 warnings in 1.25s ===\x1b[0m", Counts(2, 1, 2)),
        ("2 passed, 1 error in 0.20s\n", Counts(2, 1)),
        ("1 passed in 61.05s (0:01:01)\n", Counts(1, 0)),
        ("no tests ran in 0.00s\n", Counts(0, 0)),
        ("Ran 5 tests in 0.001s\n\nOK\n", Counts(5, 0)),
        ("Ran 5 tests in 0.001s\n\nFAILED (failures=1, errors=1, skipped=1)\n", Counts(2, 2, 1)),
        ("Ran 1 test in 0.001s\r\n\r\nOK (skipped=1)\r\n", Counts(0, 0, 1)),
        (CARGO, Counts(4, 2, 1)),
        (GO, Counts(1, 1)),
        (GO_PACKAGES, Counts(2, 0, 1)),
        ('{"Action":"pass","Package":"p","Test":"A"}\n{"Action":"fail","Package":"p","Test":"B"}\n{"Action":"fail","Package":"p"}\n', Counts(1, 1)),
        (JEST, Counts(5, 1, 1)),
        (VITEST, Counts(2, 1)),
        (NODE_TAP, Counts(3, 1, 1)),
        (NODE_SPEC, Counts(2, 0)),
        ("  3 passing (12ms)\n  1 failing\n", Counts(3, 1)),
        (JUNIT, Counts(1, 2, 1)),
        ("all is well", None),
        ("", None),
        ("I passed 3 tests in 5 minutes", None),
    ],
)
def test_what_runners_print_is_counted(printed: str, counts: Counts | None) -> None:
    assert read_counts(printed) == counts


def test_the_last_summary_counts() -> None:
    assert read_counts("== 1 failed in 0.1s ==\n== 4 passed in 0.1s ==\n") == Counts(4, 0)


SUITE = """import unittest

class Adding(unittest.TestCase):
    def test_right(self): self.assertEqual(1 + 1, 2)
    def test_wrong(self): self.assertEqual(1 + 1, 3)
    @unittest.skip("later")
    def test_later(self): pass
"""


@pytest.mark.parametrize("runner", [["-m", "unittest"], ["-m", "pytest", "-q", "-p", "no:cacheprovider"], ["-m", "pytest", "-p", "no:cacheprovider"]])
def test_the_real_runners_are_understood(runner: list[str], tmp_path: Path) -> None:
    (tmp_path / "test_adding.py").write_text(SUITE)

    ran = subprocess.run([sys.executable, *runner], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert read_counts(ran.stdout + "\n" + ran.stderr) == Counts(1, 1, 1)


def test_junit_written_by_a_real_runner_is_understood(tmp_path: Path) -> None:
    (tmp_path / "test_adding.py").write_text(SUITE)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml"], cwd=tmp_path, capture_output=True, check=False
    )

    assert read_counts((tmp_path / "report.xml").read_text()) == Counts(1, 1, 1)


@pytest.mark.parametrize(
    "piece", ["<testcase ", "1 passed, ", "Ran 1 tests in 1s\n", "--- PASS: ", "Tests: 1 a, ", "ok  \tx\t", "# tests 1\n", "ok \t " * 5]
)
def test_its_time_grows_with_the_length_and_no_faster(piece: str) -> None:
    began = time.process_time()
    read_counts("<testsuite " + piece * 100_000)

    assert time.process_time() - began < 5
