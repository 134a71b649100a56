"""The adapters, one file each; the first that recognises a command is asked."""

from wainwright.receipts.protocol import Runner
from wainwright.receipts.runners.go import Go
from wainwright.receipts.runners.pytest import Pytest

RUNNERS: tuple[Runner, ...] = (Pytest(), Go())
"""All adapters."""
