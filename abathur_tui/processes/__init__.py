"""Programs that an engine runs: each in a process group of its own, noted with the guard before its first step, ended as a whole.

A child starts as a small `sh` that waits for a line on its standard input, and is only told to go on when its group is noted; if
this process dies before that, the line never comes and the `sh` ends. So there is no moment at which a kill -9 leaves an orphan.
"""

from abathur_tui.processes import machine, open_files, process_limits
from abathur_tui.processes.child import Child
from abathur_tui.processes.children import Children, Finished, find_program
from abathur_tui.processes.streams import Lines, Output, Piece, Stream
from abathur_tui.processes.usage import Meter, Usage

__all__ = [
    "Child",
    "Children",
    "Finished",
    "Lines",
    "Meter",
    "Output",
    "Piece",
    "Stream",
    "Usage",
    "find_program",
    "machine",
    "open_files",
    "process_limits",
]
