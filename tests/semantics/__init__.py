"""What anybody expects of a job queue, tried from outside: commands as processes, agents as shell programs, the file read with plain sqlite3."""
