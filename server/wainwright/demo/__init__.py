"""What `wainwright demo` ships: a small sample service under `workspace/` and the goal to start on it, `goal.md`."""
