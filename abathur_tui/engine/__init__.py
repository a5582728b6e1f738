"""The process that claims tasks and gets them done: workers, conversations, loops, joins, slots, leases and keys.

`engine.launch` is what others use (start, stop, look at the engine of a project); `engine.engine.Engine` runs in a process of
its own (`python -m abathur_tui.engine`) or in a test's. Nothing is exported here, so that starting an engine costs a command
no more than `launch` itself.
"""
