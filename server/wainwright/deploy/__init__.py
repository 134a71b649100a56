"""Targets that run what was delivered: process and branch, probe, rollback."""
