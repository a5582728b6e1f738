"""A user's whole paths, through real processes and terminals."""
