"""A list by a filter is what the filter lets through, whoever decides on a condition: the queries, or the page's reader."""

import asyncio
import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.filter_language import parse_filter
from abathur_tui.domain.filters import TaskFilter, admits
from abathur_tui.project import Project, Wish
from abathur_tui.project.filtering import filtered

TERMS = [
    "red",
    "APPLE",
    "status:pending",
    "status:cancelled,paused",
    "agent:tester",
    "tag:nightly",
    "priority>=5",
    "priority<3",
    "priority:high",
    "age<1h",
    "cost>0",
    "cost<=0",
    "attempt=0",
    "execution:x2",
    "template:CODE",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Tasks of all sorts; nobody works at them."""
    environ = {"PATH": "/bin:/usr/bin", "ABATHUR_API__RUNTIME": "command", "ABATHUR_RUNTIMES__COMMAND__ARGV": json.dumps(["cat"])}
    with Project.open(tmp_path_factory.mktemp("filtering"), create=True, environ=environ) as opened:
        asyncio.run(fill(opened))
        yield opened


async def fill(project: Project) -> None:
    for number, name in enumerate(("red apple", "green apple", "red pear", "plum", "red plum", "apple tart")):
        common: JsonObject = {"priority": (1, 8, 5)[number % 3]}
        if number % 2:
            common["tags"] = ["nightly"]
        if number % 4 == 0:
            common["agent"] = "tester"
        await project.submit(name, Wish(common=common))
    await project.submit('ABYSSAL[CODE]("red thing")')
    await project.cancel([1])
    await project.pause([3])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(TERMS)), max_size=3), st.integers(1, 4), st.integers(0, 3))
def test_a_page_is_a_part_of_what_is_let_through(project: Project, terms: list[tuple[bool, str]], limit: int, offset: int) -> None:
    wanted = parse_filter(" ".join(f"-{term}" if negated else term for negated, term in {term: (negated, term) for negated, term in terms}.values()))
    now = time.time()
    everything = project.database.read_now(filtered, TaskFilter(), 1000, 0, now)

    page = project.database.read_now(filtered, wanted, limit, offset, now)

    assert page == [task for task in everything if admits(wanted, task, now)][offset : offset + limit]


def test_pages_are_read_until_one_is_full(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abathur_tui.project.filtering._PAGE", 2)
    now = time.time()

    found = project.database.read_now(filtered, parse_filter("-tag:nightly priority<9"), 3, 1, now)

    every = project.database.read_now(filtered, TaskFilter(), 1000, 0, now)
    assert found == [task for task in every if "nightly" not in task.tags][1:4]
