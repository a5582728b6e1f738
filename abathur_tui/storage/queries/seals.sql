-- name: newest
-- The last seal: where the next one begins. By the primary key.
SELECT last, sha256 FROM seals ORDER BY first DESC LIMIT 1;

-- name: end_of_group
-- The last audit row of the next group. By the primary key.
SELECT max(id) FROM (SELECT id FROM audit WHERE id > :after ORDER BY id LIMIT :most);

-- name: bytes_of_group
-- A group's rows as canonical text, in order. Every text and every null is told from all others by its length or its dash; the moment in whole
-- microseconds, because how a real number is written out is not the same in all versions of SQLite. By the primary key.
SELECT count(*), min(id), coalesce(group_concat(line, ''), '') FROM (
    SELECT id, id || ',' || CAST(at * 1000000 AS INTEGER)
        || ',' || length(CAST(actor AS BLOB)) || ':' || actor || ',' || length(CAST(action AS BLOB)) || ':' || action
        || ',' || coalesce(execution, '-') || ',' || coalesce(task, '-') || ',' || coalesce(agent, '-')
        || ',' || coalesce(length(CAST(engine AS BLOB)) || ':' || engine, '-')
        || ',' || coalesce(length(CAST(from_state AS BLOB)) || ':' || from_state, '-')
        || ',' || coalesce(length(CAST(to_state AS BLOB)) || ':' || to_state, '-')
        || ',' || coalesce(version, '-') || ',' || coalesce(attempt, '-') || ',' || coalesce(cause, '-')
        || ',' || coalesce(length(CAST(error AS BLOB)) || ':' || error, '-')
        || ',' || coalesce(length(CAST(result AS BLOB)) || ':' || result, '-')
        || ',' || coalesce(length(CAST(reason AS BLOB)) || ':' || reason, '-')
        || ',' || length(CAST(detail AS BLOB)) || ':' || detail || char(10) AS line
    FROM audit WHERE id BETWEEN :first AND :last ORDER BY id
);

-- name: add
-- A seal. By the primary key.
INSERT INTO seals (first, last, previous, sha256, sealed_at) VALUES (?, ?, ?, ?, ?);

-- name: some
-- Seals in order, a page of them. By the primary key.
SELECT first, last, previous, sha256, sealed_at, swept_at FROM seals WHERE first > :after ORDER BY first LIMIT 500;

-- name: between
-- The first audit row that is in no group, of those between two groups. By the primary key.
SELECT id FROM audit WHERE id > :after AND id < :before ORDER BY id LIMIT 1;

-- name: untold
-- The oldest group that is marked as swept though nothing says who swept it, of those whose own row in the audit cannot have gone yet: groups and
-- these rows go in order, so that what is told of an older group stays no longer, and what is told of the newest one is never in a swept group. Clocks
-- do not count: they may have been set back. It walks through the audit.
WITH told AS MATERIALIZED (SELECT coalesce(detail ->> 'first', 0) AS first FROM audit WHERE action = 'audit.swept' AND json_valid(detail))
SELECT first, last FROM seals
WHERE swept_at IS NOT NULL AND first NOT IN (SELECT first FROM told) AND (
    first > coalesce((SELECT min(first) FROM told), 0) OR first = (SELECT first FROM seals WHERE swept_at IS NOT NULL ORDER BY first DESC LIMIT 1)
)
ORDER BY first LIMIT 1;

-- name: unsealed
-- How many rows wait for their seal. By the primary key.
SELECT count(*) FROM audit WHERE id > :after;

-- name: last_id
-- The last id that an audit row ever had. The few rows of sqlite_sequence.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0);
