-- name: keep
-- Store a text under its hash, unless it is there; one that was purged comes back. By the unique index on hash.
INSERT INTO content (hash, body) VALUES (?, ?) ON CONFLICT (hash) DO UPDATE SET body = excluded.body WHERE body IS NULL;

-- name: kept
-- A text by its hash. By the unique index on hash.
SELECT body FROM content WHERE hash = ?;
