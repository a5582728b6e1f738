"""Kills everything at random moments, stops it, takes its disk away, and checks that nothing was lost.

    python -m tests.journeys.chaos --kills 1000 --seed 1 --report docs/crash-report.md

Each round is a project of its own in which commands submit work while engines, guards, agents' programs, commands and a screen are hit.
Then the queue is drained, and the laws are checked: `laws.py`.
"""
