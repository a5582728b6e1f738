-- The first schema. Tables and columns are explained to users in docs/database.md; times are Unix seconds.
-- Rules that must hold whoever writes are here, as constraints and triggers; docs/database.md lists them as laws.
-- No JSON function in a trigger: under trusted_schema=off SQLite 3.40 calls them unsafe.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at REAL NOT NULL
) STRICT;

-- Texts, each stored once; rows elsewhere name them by their hash, so that a body can be purged and its hash stays.
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    body TEXT
) STRICT;

CREATE TABLE executions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    root INTEGER REFERENCES tasks (id),
    source TEXT NOT NULL REFERENCES content (hash),
    runtime TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE execution_templates (
    execution INTEGER NOT NULL REFERENCES executions (id),
    template TEXT NOT NULL,
    body TEXT NOT NULL REFERENCES content (hash),
    PRIMARY KEY (execution, template)
) STRICT, WITHOUT ROWID;

CREATE TABLE transitions (
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    PRIMARY KEY (from_status, to_status)
) STRICT, WITHOUT ROWID;

INSERT INTO transitions (from_status, to_status) VALUES
    ('waiting', 'pending'), ('waiting', 'failed'), ('waiting', 'cancelled'), ('waiting', 'paused'),
    ('pending', 'running'), ('pending', 'paused'), ('pending', 'cancelled'), ('pending', 'failed'),
    ('running', 'completed'), ('running', 'failed'), ('running', 'dead'), ('running', 'cancelled'),
    ('running', 'paused'), ('running', 'interrupted'), ('running', 'pending'),
    ('paused', 'waiting'), ('paused', 'pending'), ('paused', 'cancelled'), ('paused', 'failed'),
    ('interrupted', 'pending'), ('interrupted', 'paused'), ('interrupted', 'dead'),
    ('interrupted', 'cancelled'), ('interrupted', 'failed'),
    ('failed', 'pending'), ('failed', 'waiting'),
    ('dead', 'pending'), ('dead', 'waiting'),
    ('cancelled', 'pending'), ('cancelled', 'waiting');

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    execution INTEGER NOT NULL REFERENCES executions (id),
    seq INTEGER NOT NULL,
    parent INTEGER REFERENCES tasks (id),
    kind TEXT NOT NULL CHECK (kind IN ('agent', 'loop', 'join')),
    name TEXT NOT NULL,
    template TEXT,
    template_version TEXT,
    agent TEXT,
    status TEXT NOT NULL CHECK (
        status IN ('waiting', 'pending', 'running', 'paused', 'completed', 'failed', 'cancelled', 'interrupted', 'dead')
    ),
    why TEXT NOT NULL DEFAULT '',
    progress REAL CHECK (progress BETWEEN 0 AND 1),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 10),
    lane TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    crashes INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),
    epoch INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0,
    engine TEXT,
    unmet INTEGER NOT NULL DEFAULT 0 CHECK (unmet >= 0),
    broken INTEGER NOT NULL DEFAULT 0 CHECK (broken >= 0),
    cause INTEGER REFERENCES tasks (id),
    due REAL,
    expires REAL,
    held TEXT,
    on_failure TEXT NOT NULL DEFAULT 'retry' CHECK (on_failure IN ('retry', 'fail', 'skip')),
    tags TEXT NOT NULL DEFAULT '[]',
    instance INTEGER NOT NULL DEFAULT 1,
    instances INTEGER NOT NULL DEFAULT 1,
    round INTEGER NOT NULL DEFAULT 0,
    pass INTEGER,
    pass_round INTEGER,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    error_code TEXT,
    error_message TEXT,
    result TEXT REFERENCES content (hash),
    tokens_input INTEGER NOT NULL DEFAULT 0,
    tokens_output INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL NOT NULL DEFAULT 0,
    unpriced INTEGER NOT NULL DEFAULT 0,
    detail TEXT NOT NULL DEFAULT '{}',
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    changed_at REAL NOT NULL
) STRICT;

-- Named after the access path that each serves.
CREATE INDEX tasks_claimable ON tasks (lane, priority DESC, execution, seq) WHERE status = 'pending' AND due IS NULL AND held IS NULL;
CREATE INDEX tasks_suspect ON tasks (priority DESC, execution, seq) WHERE held = 'suspect';
CREATE INDEX tasks_due ON tasks (due) WHERE due IS NOT NULL;
CREATE INDEX tasks_expiring ON tasks (expires) WHERE expires IS NOT NULL;
CREATE INDEX tasks_running ON tasks (engine) WHERE status = 'running';
CREATE INDEX tasks_doomed ON tasks (id) WHERE status = 'waiting' AND unmet = 0 AND broken > 0;
CREATE INDEX tasks_by_status ON tasks (status, priority DESC, id);
CREATE INDEX tasks_by_priority ON tasks (priority DESC, id);
CREATE INDEX tasks_by_execution ON tasks (execution, seq);
CREATE INDEX tasks_by_parent ON tasks (parent, pass_round, pass) WHERE parent IS NOT NULL;

CREATE TABLE counts (
    lane TEXT NOT NULL,
    status TEXT NOT NULL,
    tasks INTEGER NOT NULL CHECK (tasks >= 0),
    PRIMARY KEY (lane, status)
) STRICT, WITHOUT ROWID;

-- What only its worker and its detail page need of a task, kept apart so that lists read narrow rows.
CREATE TABLE specs (
    task INTEGER PRIMARY KEY REFERENCES tasks (id),
    node TEXT NOT NULL,
    depth INTEGER NOT NULL,
    prompt TEXT NOT NULL REFERENCES content (hash),
    parameters TEXT NOT NULL REFERENCES content (hash),
    refs TEXT NOT NULL,
    model TEXT,
    timeout_seconds REAL NOT NULL,
    retries INTEGER NOT NULL,
    loop_spec TEXT,
    join_spec TEXT,
    fallback TEXT,
    lead INTEGER REFERENCES tasks (id),
    estimated_seconds REAL NOT NULL,
    complexity INTEGER NOT NULL,
    rendered TEXT REFERENCES content (hash),
    system TEXT REFERENCES content (hash)
) STRICT;

CREATE TABLE edges (
    task INTEGER NOT NULL REFERENCES tasks (id),
    depends_on INTEGER NOT NULL REFERENCES tasks (id),
    need TEXT NOT NULL CHECK (need IN ('needs', 'settles')),
    state TEXT NOT NULL CHECK (state IN ('open', 'met', 'broken')),
    position INTEGER NOT NULL,
    required INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task, depends_on),
    CHECK (task <> depends_on)
) STRICT, WITHOUT ROWID;

CREATE INDEX edges_by_dependency ON edges (depends_on);

CREATE TABLE lanes (
    lane TEXT PRIMARY KEY,
    runtime TEXT NOT NULL,
    held_why TEXT NOT NULL DEFAULT '',
    held_until REAL,
    held_message TEXT NOT NULL DEFAULT '',
    held_by TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE loops (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL UNIQUE REFERENCES tasks (id)
) STRICT;

CREATE TABLE attempts (
    task INTEGER NOT NULL REFERENCES tasks (id),
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    engine TEXT NOT NULL,
    agent INTEGER REFERENCES agents (id),
    started_at REAL NOT NULL,
    ended_at REAL,
    outcome TEXT NOT NULL DEFAULT 'running' CHECK (
        outcome IN ('running', 'completed', 'failed', 'retrying', 'interrupted', 'cancelled', 'paused', 'released')
    ),
    error_code TEXT,
    error_message TEXT,
    PRIMARY KEY (task, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_transitions (
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    PRIMARY KEY (from_state, to_state)
) STRICT, WITHOUT ROWID;

INSERT INTO agent_transitions (from_state, to_state) VALUES
    ('SPAWNING', 'IDLE'), ('SPAWNING', 'FAILED'),
    ('IDLE', 'BUSY'), ('IDLE', 'TERMINATING'), ('IDLE', 'FAILED'),
    ('BUSY', 'IDLE'), ('BUSY', 'TERMINATING'), ('BUSY', 'FAILED'),
    ('FAILED', 'TERMINATING'), ('TERMINATING', 'TERMINATED');

CREATE TABLE agents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES agents (id),
    execution INTEGER NOT NULL REFERENCES executions (id),
    task INTEGER REFERENCES tasks (id),
    engine TEXT NOT NULL,
    definition TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('SPAWNING', 'IDLE', 'BUSY', 'FAILED', 'TERMINATING', 'TERMINATED')),
    activity TEXT NOT NULL DEFAULT '',
    turn INTEGER NOT NULL DEFAULT 0,
    tokens_input INTEGER NOT NULL DEFAULT 0,
    tokens_output INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL NOT NULL DEFAULT 0,
    unpriced INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0,
    started_at REAL NOT NULL,
    ended_at REAL,
    reason TEXT NOT NULL,
    changed_at REAL NOT NULL
) STRICT;

CREATE INDEX agents_alive ON agents (engine, state, changed_at) WHERE state <> 'TERMINATED';
CREATE INDEX agents_busy ON agents (task) WHERE state = 'BUSY';

CREATE TABLE engines (
    id TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    started_at REAL NOT NULL,
    beat INTEGER NOT NULL DEFAULT 0,
    beat_at REAL NOT NULL,
    busy INTEGER NOT NULL DEFAULT 0,
    slots INTEGER NOT NULL DEFAULT 0,
    ended_at REAL
) STRICT, WITHOUT ROWID;

CREATE INDEX engines_unended ON engines (started_at) WHERE ended_at IS NULL;

CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks (id),
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cancel', 'pause')),
    actor TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}',
    created_at REAL NOT NULL,
    outcome TEXT,
    closed_at REAL
) STRICT;

CREATE INDEX requests_by_task ON requests (task, closed_at);

CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks (id),
    round INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    number INTEGER NOT NULL,
    agent INTEGER REFERENCES agents (id),
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'partial')),
    shared INTEGER NOT NULL,
    messages TEXT NOT NULL,
    answer TEXT REFERENCES content (hash),
    said TEXT REFERENCES content (hash),
    timing TEXT,
    model TEXT,
    stop_reason TEXT,
    request_id TEXT,
    tokens_input INTEGER NOT NULL DEFAULT 0,
    tokens_output INTEGER NOT NULL DEFAULT 0,
    tokens_cache_read INTEGER NOT NULL DEFAULT 0,
    tokens_cache_write INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL,
    reason TEXT,
    started_at REAL NOT NULL,
    ended_at REAL
) STRICT;

CREATE INDEX turns_by_task ON turns (task, round, id);
CREATE INDEX turns_open ON turns (task) WHERE state = 'open';

-- What agents are saying just now; folded into the turn when it ends. AUTOINCREMENT, because viewers read on from the last id.
CREATE TABLE output (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    turn INTEGER NOT NULL REFERENCES turns (id),
    task INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    at REAL NOT NULL,
    text TEXT NOT NULL
) STRICT;

CREATE INDEX output_by_turn ON output (turn, offset);

CREATE TABLE tool_calls (
    turn INTEGER NOT NULL REFERENCES turns (id),
    id TEXT NOT NULL,
    task INTEGER NOT NULL REFERENCES tasks (id),
    epoch INTEGER NOT NULL,
    tool TEXT NOT NULL,
    arguments TEXT NOT NULL REFERENCES content (hash),
    status TEXT NOT NULL DEFAULT 'intended' CHECK (status IN ('intended', 'done', 'error', 'unknown')),
    text TEXT REFERENCES content (hash),
    summary TEXT NOT NULL DEFAULT '',
    started_at REAL NOT NULL,
    ended_at REAL,
    PRIMARY KEY (turn, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tool_calls_intended ON tool_calls (task) WHERE status = 'intended';

CREATE TABLE passes (
    task INTEGER NOT NULL REFERENCES tasks (id),
    round INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 1),
    pass_task INTEGER NOT NULL REFERENCES tasks (id),
    output TEXT NOT NULL REFERENCES content (hash),
    metrics TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    seconds REAL NOT NULL,
    cost_usd REAL,
    ended_at REAL NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (task, round, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks (id),
    round INTEGER NOT NULL,
    pass INTEGER,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    at REAL NOT NULL
) STRICT;

CREATE INDEX metrics_by_task ON metrics (task, name, id);

CREATE TABLE usage (
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    turns INTEGER NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    tokens_cache_read INTEGER NOT NULL,
    tokens_cache_write INTEGER NOT NULL,
    cost_usd REAL NOT NULL,
    unpriced INTEGER NOT NULL,
    PRIMARY KEY (day, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error')),
    kind TEXT NOT NULL,
    execution INTEGER,
    task INTEGER,
    agent INTEGER,
    turn INTEGER,
    text TEXT NOT NULL
) STRICT;

CREATE INDEX logs_by_task ON logs (task, id) WHERE task IS NOT NULL;
CREATE INDEX logs_by_execution ON logs (execution, id) WHERE execution IS NOT NULL;
CREATE INDEX logs_by_agent ON logs (agent, id) WHERE agent IS NOT NULL;

CREATE TABLE state (
    execution INTEGER NOT NULL REFERENCES executions (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    written_by TEXT NOT NULL,
    written_at REAL NOT NULL,
    PRIMARY KEY (execution, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    execution INTEGER,
    task INTEGER,
    agent INTEGER,
    engine TEXT,
    from_state TEXT,
    to_state TEXT,
    version INTEGER,
    attempt INTEGER,
    cause INTEGER,
    error TEXT,
    result TEXT,
    reason TEXT,
    detail TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX audit_by_task ON audit (task, id) WHERE task IS NOT NULL;
CREATE INDEX audit_by_execution ON audit (execution, id) WHERE execution IS NOT NULL;
CREATE INDEX audit_by_agent ON audit (agent, id) WHERE agent IS NOT NULL;

-- The audit only grows. The third trigger stands in the way of a replacing insert, which would get round the second.

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'law: the audit is never changed');
END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT raise(ABORT, 'law: nothing is deleted from the audit');
END;

CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = new.id)
BEGIN
    SELECT raise(ABORT, 'law: nothing in the audit is replaced');
END;

-- Tasks.

CREATE TRIGGER tasks_no_delete BEFORE DELETE ON tasks
BEGIN
    SELECT raise(ABORT, 'law: tasks are not deleted');
END;

CREATE TRIGGER tasks_first BEFORE INSERT ON tasks
BEGIN
    SELECT CASE
        WHEN new.status NOT IN ('waiting', 'pending') THEN raise(ABORT, 'law: a task begins as waiting or pending')
        WHEN new.actor = '' OR new.reason = '' THEN raise(ABORT, 'law: every change names actor and reason')
    END;
END;

CREATE TRIGGER tasks_made AFTER INSERT ON tasks
BEGIN
    INSERT INTO audit (at, actor, action, execution, task, to_state, version, reason)
    VALUES (new.created_at, new.actor, 'task.' || new.status, new.execution, new.id, new.status, new.version, new.reason);
    INSERT INTO counts (lane, status, tasks) VALUES (new.lane, new.status, 1)
    ON CONFLICT (lane, status) DO UPDATE SET tasks = tasks + 1;
    UPDATE tasks SET actor = '', reason = '' WHERE id = new.id;
END;

CREATE TRIGGER tasks_law BEFORE UPDATE OF status ON tasks WHEN new.status <> old.status
BEGIN
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM transitions WHERE from_status = old.status AND to_status = new.status)
            THEN raise(ABORT, 'law: this status change is not allowed')
        WHEN new.version <> old.version + 1 THEN raise(ABORT, 'law: every status change raises version by one')
        WHEN new.actor = '' OR new.reason = '' THEN raise(ABORT, 'law: every change names actor and reason')
        WHEN new.status = 'running' AND (new.epoch <= old.epoch OR new.engine IS NULL)
            THEN raise(ABORT, 'law: a claim raises the epoch and names its engine')
    END;
END;

CREATE TRIGGER tasks_version BEFORE UPDATE OF version, epoch, lane, execution ON tasks
WHEN (new.version <> old.version AND new.status = old.status) OR new.epoch < old.epoch
    OR new.lane <> old.lane OR new.execution <> old.execution
BEGIN
    SELECT raise(ABORT, 'law: version goes with status, epoch never goes back, lane and execution stay');
END;

-- All that follows from a status change, the audit row first. Only what is one step away: longer ways are plain statements of the queue.
-- The plus signs keep SQLite from walking through all tasks of a status instead of the few dependents.
-- `actor` and `reason` are emptied once the audit has them, so that the next change must name its own.

CREATE TRIGGER tasks_changed AFTER UPDATE OF status ON tasks WHEN new.status <> old.status
BEGIN
    INSERT INTO audit (
        at, actor, action, execution, task, engine, from_state, to_state, version, attempt, cause, error, result, reason
    ) VALUES (
        new.changed_at, new.actor, 'task.' || new.status, new.execution, new.id, coalesce(new.engine, old.engine), old.status, new.status,
        new.version, new.attempt, new.cause, new.error_code, new.result, new.reason
    );
    UPDATE tasks SET actor = '', reason = '' WHERE id = new.id;
    UPDATE counts SET tasks = tasks - 1 WHERE lane = new.lane AND status = old.status;
    INSERT INTO counts (lane, status, tasks) VALUES (new.lane, new.status, 1)
    ON CONFLICT (lane, status) DO UPDATE SET tasks = tasks + 1;

    -- It has ended: the edges that lead to it are settled, and who waited for nothing else is pending.
    UPDATE edges
    SET state = CASE
        WHEN new.status = 'completed' OR need = 'settles' THEN 'met'
        WHEN new.status IN ('failed', 'dead') AND new.on_failure = 'skip' THEN 'met'
        ELSE 'broken'
    END
    WHERE new.status IN ('completed', 'failed', 'cancelled', 'dead') AND depends_on = new.id AND state = 'open';
    UPDATE tasks
    SET status = 'pending', version = version + 1, why = CASE WHEN due IS NULL THEN '' ELSE 'time' END,
        actor = 'queue', reason = 'all that it waits for is there', changed_at = new.changed_at
    WHERE new.status IN ('completed', 'failed', 'cancelled', 'dead')
        AND id IN (SELECT task FROM edges WHERE depends_on = new.id AND state = 'met')
        AND +status = 'waiting' AND unmet = 0 AND broken = 0;
    UPDATE tasks SET held = CASE WHEN crashes >= 2 THEN 'suspect' END, why = ''
    WHERE new.status IN ('completed', 'failed', 'cancelled', 'dead')
        AND id IN (SELECT task FROM edges WHERE depends_on = new.id) AND +held = 'after' AND unmet = 0;

    -- It comes back: who has not used its end yet waits for it again.
    UPDATE edges
    SET state = 'open'
    WHERE old.status IN ('failed', 'cancelled', 'dead') AND depends_on = new.id AND state <> 'open'
        AND (SELECT status FROM tasks WHERE id = edges.task) NOT IN ('running', 'interrupted', 'completed');
    UPDATE tasks SET held = 'after', why = 'after'
    WHERE old.status IN ('failed', 'cancelled', 'dead')
        AND id IN (SELECT task FROM edges WHERE depends_on = new.id AND state = 'open') AND +status = 'pending';

    -- It gives up its place at work: what came back meanwhile is waited for again.
    UPDATE edges
    SET state = 'open'
    WHERE old.status IN ('running', 'interrupted') AND new.status IN ('pending', 'paused') AND task = new.id AND state <> 'open'
        AND (SELECT status FROM tasks WHERE id = edges.depends_on) NOT IN ('completed', 'failed', 'cancelled', 'dead');
    UPDATE tasks SET held = 'after', why = 'after'
    WHERE old.status IN ('running', 'interrupted') AND new.status = 'pending' AND id = new.id AND unmet > 0;
END;

-- A task's counters follow its edges.

CREATE TRIGGER edges_changed AFTER UPDATE OF state ON edges WHEN new.state <> old.state
BEGIN
    UPDATE tasks
    SET unmet = unmet + (new.state = 'open') - (old.state = 'open'), broken = broken + (new.state = 'broken') - (old.state = 'broken')
    WHERE id = new.task;
END;

-- Agents.

CREATE TRIGGER agents_first BEFORE INSERT ON agents WHEN new.state <> 'SPAWNING'
BEGIN
    SELECT raise(ABORT, 'law: an agent begins as SPAWNING');
END;

CREATE TRIGGER agents_made AFTER INSERT ON agents
BEGIN
    INSERT INTO audit (at, actor, action, execution, task, agent, engine, to_state, version, reason)
    VALUES (new.changed_at, 'engine', 'agent.spawning', new.execution, new.task, new.id, new.engine, new.state, new.version, new.reason);
END;

CREATE TRIGGER agents_law BEFORE UPDATE OF state ON agents WHEN new.state <> old.state
BEGIN
    SELECT CASE
        WHEN NOT EXISTS (SELECT 1 FROM agent_transitions WHERE from_state = old.state AND to_state = new.state)
            THEN raise(ABORT, 'law: this change of an agent''s state is not allowed')
        WHEN new.version <> old.version + 1 THEN raise(ABORT, 'law: every change of an agent''s state raises version by one')
    END;
END;

CREATE TRIGGER agents_changed AFTER UPDATE OF state ON agents WHEN new.state <> old.state
BEGIN
    INSERT INTO audit (at, actor, action, execution, task, agent, engine, from_state, to_state, version, reason)
    VALUES (
        new.changed_at, 'engine', 'agent.' || lower(new.state), new.execution, new.task, new.id, new.engine, old.state, new.state,
        new.version, new.reason
    );
END;

-- Shared state: a write against an older version is refused.

CREATE TRIGGER state_law BEFORE UPDATE ON state WHEN new.version <> old.version + 1
BEGIN
    SELECT raise(ABORT, 'law: every write to the shared state raises version by one');
END;
