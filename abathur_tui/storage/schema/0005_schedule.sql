-- Recurring tasks, pauses of the whole queue, and what follows a status change.

-- Why nothing is claimed at all: a row for each reason, none where claiming goes on.
CREATE TABLE queue_state (
    why TEXT PRIMARY KEY,
    until REAL,
    actor TEXT NOT NULL,
    since REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Dead letters that somebody has decided to leave as they are are not listed among those that wait for a decision.
ALTER TABLE tasks ADD COLUMN cleared_at REAL;

-- A due moment that somebody named on the clock stays when the clock is set; any other one is a time from when it was set.
ALTER TABLE tasks ADD COLUMN due_fixed INTEGER NOT NULL DEFAULT 0;

ALTER TABLE lanes ADD COLUMN held_at REAL;

CREATE TABLE schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    plan TEXT NOT NULL,
    options TEXT NOT NULL,
    next_at REAL,
    last_at REAL,
    last_execution INTEGER REFERENCES executions (id),
    runs INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    paused_at REAL,
    removed_at REAL,
    actor TEXT NOT NULL,
    created_at REAL NOT NULL
) STRICT;

CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL AND paused_at IS NULL AND removed_at IS NULL;

ALTER TABLE executions ADD COLUMN schedule INTEGER REFERENCES schedules (id);

-- How far the commands on status changes have come in the audit.
CREATE TABLE status_commands (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    audit INTEGER NOT NULL,
    command INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0
) STRICT;
