-- What a loop makes anew in each of its passes, as JSON: the nodes of its commands, and the tasks outside that they build on.

CREATE TABLE loop_bodies (
    task INTEGER PRIMARY KEY REFERENCES tasks (id),
    body TEXT NOT NULL REFERENCES content (hash)
) STRICT;
