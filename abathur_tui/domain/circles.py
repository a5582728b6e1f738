"""Things that wait for each other in a circle."""

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def circle_in(waits: Mapping[T, Collection[T]]) -> list[T]:
    """One circle, each waiting for the next, the first one again at the end; empty where there is none.

    What is no key waits for nothing. Those that wait for nothing more are taken out one after the other (Kahn): linear, however long a chain.
    """
    dependents: dict[T, list[T]] = {}
    open_waits = dict.fromkeys(waits, 0)
    for one, others in waits.items():
        for other in others:
            if other in waits:
                dependents.setdefault(other, []).append(one)
                open_waits[one] += 1
    free = [one for one, count in open_waits.items() if count == 0]
    for one in free:
        for dependent in dependents.get(one, ()):
            open_waits[dependent] -= 1
            if open_waits[dependent] == 0:
                free.append(dependent)
    if len(free) == len(waits):
        return []
    path = [next(one for one, count in open_waits.items() if count)]
    seen: dict[T, int] = {}
    while path[-1] not in seen:
        seen[path[-1]] = len(seen)
        path.append(next(other for other in waits[path[-1]] if open_waits.get(other)))
    return path[seen[path[-1]] :]
