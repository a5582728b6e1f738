"""The queue: every way in which a task changes its status. Plain functions over a connection that is inside a write transaction."""

from abathur_tui.storage.queue.at_once import FirstTurn, LastTurn, PlainTask, begin_attempts, begin_turns, end_turns, free_agents, plain
from abathur_tui.storage.queue.bodies import body_of
from abathur_tui.storage.queue.changes import cancel, pause, reprioritize, resume, retry
from abathur_tui.storage.queue.claiming import JOIN_LANE, claim, free_lane, hold_lane, lanes, next_up, parked, refuse, retrying, take
from abathur_tui.storage.queue.dead_letters import clear_dead_letters, retry_dead_letters
from abathur_tui.storage.queue.ending import complete, end_cancelled, end_paused, fail, note, park, release, report_progress, retry_later, unpark
from abathur_tui.storage.queue.fitting import Room, let_go_what_fits, set_aside
from abathur_tui.storage.queue.holding import free_queue, held, hold_queue
from abathur_tui.storage.queue.looping import LoopLimits, resume_loop
from abathur_tui.storage.queue.once import key_of, members, submit_once, submitted_with
from abathur_tui.storage.queue.rescue import MOST_CRASHES, clock_set_back, clock_set_forward, crash, due, is_silent, recover, supersede
from abathur_tui.storage.queue.scheduling import (
    add_schedule,
    next_schedule,
    pause_schedules,
    remove_schedules,
    resume_schedules,
    schedule_of,
    schedules,
)
from abathur_tui.storage.queue.submitting import add_child, add_pass, child_of, submit

__all__ = [
    "JOIN_LANE",
    "MOST_CRASHES",
    "FirstTurn",
    "LastTurn",
    "LoopLimits",
    "PlainTask",
    "Room",
    "add_child",
    "add_pass",
    "add_schedule",
    "begin_attempts",
    "begin_turns",
    "body_of",
    "cancel",
    "child_of",
    "claim",
    "clear_dead_letters",
    "clock_set_back",
    "clock_set_forward",
    "complete",
    "crash",
    "due",
    "end_cancelled",
    "end_paused",
    "end_turns",
    "fail",
    "free_agents",
    "free_lane",
    "free_queue",
    "held",
    "hold_lane",
    "hold_queue",
    "is_silent",
    "key_of",
    "lanes",
    "let_go_what_fits",
    "members",
    "next_schedule",
    "next_up",
    "note",
    "park",
    "parked",
    "pause",
    "pause_schedules",
    "plain",
    "recover",
    "refuse",
    "release",
    "remove_schedules",
    "report_progress",
    "reprioritize",
    "resume",
    "resume_loop",
    "resume_schedules",
    "retry",
    "retry_dead_letters",
    "retry_later",
    "retrying",
    "schedule_of",
    "schedules",
    "set_aside",
    "submit",
    "submit_once",
    "submitted_with",
    "supersede",
    "take",
    "unpark",
]
