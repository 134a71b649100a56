"""The lending desk of a neighbourhood tool library."""
