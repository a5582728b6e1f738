"""Hits an engine, or a command, at its 1st, 2nd, 3rd… write and sync, in scenarios of which each has one kind of operation in it.

    python -m tests.journeys.kills --report docs/kill-report.md

Where `tests.journeys.chaos` hits by chance, this goes through one operation from its first write to its last: the process that does it is forked from
one that is warm, traced by strace, and killed with -9 as it enters its k-th call. Then another engine works off what is left, and the laws
(`tests.journeys.chaos.laws`) and the scenario's own results are looked at; then the same for k + 1, until a process comes to its end.

    python -m tests.journeys.kills --with EIO ENOSPC EROFS EDQUOT

Here the k-th call is not made, and the process gets an error instead: it must go on by itself, or end with an error that says what is the matter.
With `--calls 5` the four calls after it fail too.

strace counts for each thread; nearly all of these calls are the writer's, so the k-th call is the k-th of the writer's.
"""
