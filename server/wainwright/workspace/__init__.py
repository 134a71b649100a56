"""The only place that knows git and the native module: files, repository, context."""
