"""What an agent may do, one file per tool family."""
