-- A pass keeps what each criterion says of it, beside what was measured.

ALTER TABLE passes ADD COLUMN scores TEXT NOT NULL DEFAULT '{}';
