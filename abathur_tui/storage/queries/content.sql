-- name: keep
-- Store a text under its hash, unless it is there; one that was purged comes back, one that is condemned stays. By the unique index on hash.
INSERT INTO content (hash, body) VALUES (?, ?)
ON CONFLICT (hash) DO UPDATE SET body = excluded.body, condemned = 0 WHERE body IS NULL OR condemned = 1;

-- name: kept
-- A text by its hash. By the unique index on hash.
SELECT body FROM content WHERE hash = ?;
