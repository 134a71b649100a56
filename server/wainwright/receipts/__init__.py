"""Receipts: tests are run on a tree inside the sandbox, their reports are read, and what they mean is worked out."""
