"""Runs as an editor drives and follows them."""
