-- Short parameters stand with their task. As texts of their own each had a place in the index of hashes, far from that of any other: a page to
-- write for every task.
ALTER TABLE specs ADD COLUMN given TEXT;
