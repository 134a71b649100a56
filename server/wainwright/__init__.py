"""Wainwright: an autonomous software engineer that lives in the editor as a language server."""
