-- What a task's result must meet to count.
ALTER TABLE specs ADD COLUMN success TEXT;
