"""What of a person's world a task is shown beside the snapshot: ignored files, contents of Git LFS, a repository."""
