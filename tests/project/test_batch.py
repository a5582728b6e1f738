"""Batches and made agents, by the programming interface."""

import pytest

from abathur_tui import Project
from abathur_tui.domain.errors import DocumentInvalid
from abathur_tui.domain.status import Status
from abathur_tui.storage.views.templates import kept_text
from tests.project.test_project import project

__all__ = ["project"]


async def test_a_batch_gives_what_the_command_line_gives(project: Project) -> None:
    results = await project.run_batch('ABYSSAL[RESEARCH]("SAY one")\nABYSSAL[RESEARCH]("SAY two; FAIL", retries=0)')

    assert [(result.execution, result.status) for result in results] == [(1, Status.COMPLETED), (2, Status.DEAD)]


async def test_a_batch_with_a_mistake_queues_nothing(project: Project) -> None:
    with pytest.raises(DocumentInvalid):
        await project.run_batch('["SAY one", ""]')

    assert await project.tasks() == []


async def test_an_agent_that_is_made_for_a_role_is_kept_with_its_execution(project: Project) -> None:
    result = await project.run('ABYSSAL[AGENT]("Grief counselor", scope="SAY hello")')

    (member,) = result.members
    kept = await project.read(kept_text, result.execution, "agent:grief-counselor")
    assert (member.agent, result.output) == ("grief-counselor", "hello.\n")
    assert kept is not None
    assert "a role that was made for this one piece of work: Grief counselor" in kept
