-- name: keep
-- Store a text under its hash, unless it is there; one that was purged comes back, one that is condemned stays. By the unique index on hash.
INSERT INTO content (hash, body) VALUES (?, ?)
ON CONFLICT (hash) DO UPDATE SET body = excluded.body, condemned = 0 WHERE body IS NULL OR condemned = 1;

-- name: is_kept
-- Whether a text is there and stays, so that a long one need not be handed over again. By the unique index on hash.
SELECT 1 FROM content WHERE hash = ? AND body IS NOT NULL AND condemned = 0;

-- name: kept
-- A text by its hash. By the unique index on hash.
SELECT body FROM content WHERE hash = ?;
