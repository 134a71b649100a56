"""From a line back to what wrote it: hunk, step, model call, receipt and approvals."""
