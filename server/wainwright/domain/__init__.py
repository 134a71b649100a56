"""The words and the pure machine: no input or output, no clock, no randomness."""
