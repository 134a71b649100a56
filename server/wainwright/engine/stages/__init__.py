"""What each stage does: one file a stage, performed when the machine wants it."""
