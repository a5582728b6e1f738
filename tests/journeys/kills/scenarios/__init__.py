"""The scenarios, by what they are about."""

from tests.journeys.kills.scenario import Scenario
from tests.journeys.kills.scenarios import asked, files, upkeep, work

ALL: tuple[Scenario, ...] = (*work.SCENARIOS, *asked.SCENARIOS, *upkeep.SCENARIOS, *files.SCENARIOS)
BY_NAME = {scenario.name: scenario for scenario in ALL}
