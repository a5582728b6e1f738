"""The command line: arguments in, one answer on standard output, everything else on standard error."""
