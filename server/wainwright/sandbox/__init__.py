"""The only place that starts a process that a model chose."""
