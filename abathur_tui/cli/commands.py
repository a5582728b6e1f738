"""All commands by name: where each one lives and its line in `--help`, so that none is loaded before it is called."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, or a group of them."""

    module: str
    """The file in this room."""
    help: str
    """The first line of its own help; a test keeps the two the same."""
    group: bool = False


SECTIONS: dict[str, dict[str, Entry]] = {
    "Start": {
        "init": Entry("init", "Make a project here."),
        "version": Entry("version", "Show the version."),
    },
    "Work": {
        "run": Entry("run", "Run ABYSSAL commands or a prompt, show the agents at work, print the result."),
        "batch": Entry("batch", "Run several commands, as an execution each."),
        "watch": Entry("watch", "Follow an execution until it ends."),
        "result": Entry("watch", "Print an execution's result."),
        "plan": Entry("documents", "Show what a text would do, and do nothing."),
        "fmt": Entry("documents", "Format an ABYSSAL document."),
        "extract": Entry("extract", "List the ABYSSAL commands in a file of prose, or run them."),
    },
    "Queue": {
        "task": Entry("task", "Submit, list, show and change tasks.", group=True),
        "loop": Entry("loop", "Start, follow and resume loops, which refine a result until it converges.", group=True),
        "swarm": Entry("swarm", "Look at the agents that run now, let them start or not, and say how many.", group=True),
        "agent": Entry("agents", "List and show agents, keep those that were made for a run.", group=True),
        "engine": Entry("engine", "Start, stop and look at the engine, which works off the queue.", group=True),
    },
    "Look": {
        "status": Entry("status", "Show the project at a glance."),
        "template": Entry("template_files", "List, show, check and keep templates.", group=True),
        "audit": Entry("audit", "Show who changed what, and when."),
        "config": Entry("config", "Show settings and where they come from.", group=True),
    },
    "Data": {
        "db": Entry("db", "Check, back up, recover, shrink and export the project's database.", group=True),
        "purge": Entry("purge", "Take the prompts, outputs, results, messages and logs of executions away that have ended."),
    },
}

ALL: dict[str, Entry] = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
