-- What the swarm decided, and what agents share.

-- One row: how many agents somebody has asked for (NULL: the settings say), and what keeps new ones from starting just now.
CREATE TABLE swarm (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    max_agents INTEGER CHECK (max_agents BETWEEN 1 AND 500),
    set_by TEXT,
    set_at REAL,
    gate TEXT NOT NULL DEFAULT '' CHECK (gate IN ('', 'memory', 'cpu'))
) STRICT;

INSERT INTO swarm (id) VALUES (1);

-- What engine, agents and their commands took of the machine; the engine keeps the newest. AUTOINCREMENT, because viewers read on from the last id.
CREATE TABLE resources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    engine TEXT NOT NULL,
    memory_bytes INTEGER NOT NULL,
    memory_limit INTEGER NOT NULL,
    cpu REAL,
    cpu_limit REAL NOT NULL,
    processes INTEGER NOT NULL,
    gate TEXT NOT NULL
) STRICT;

-- Tasks that agents have made for sub-agents of theirs, by the tool call that asked for them.
CREATE TABLE subagents (
    task INTEGER PRIMARY KEY REFERENCES tasks (id),
    parent_agent INTEGER REFERENCES agents (id),
    turn INTEGER NOT NULL REFERENCES turns (id),
    call TEXT NOT NULL,
    depth INTEGER NOT NULL,
    tools TEXT NOT NULL,
    UNIQUE (turn, call)
) STRICT;

ALTER TABLE tasks ADD COLUMN phase TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN memory_bytes INTEGER CHECK (memory_bytes > 0);
ALTER TABLE tasks ADD COLUMN cores REAL CHECK (cores > 0);

CREATE INDEX tasks_declaring ON tasks (priority DESC, execution, seq)
WHERE status = 'pending' AND due IS NULL AND held IS NULL AND kind = 'agent' AND coalesce(memory_bytes, cores) IS NOT NULL;
CREATE INDEX tasks_set_aside ON tasks (priority DESC, execution, seq) WHERE held IN ('memory', 'cpu') AND status = 'pending';
