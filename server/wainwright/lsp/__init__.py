"""The only place that knows the Language Server Protocol."""
