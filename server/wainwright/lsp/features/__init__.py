"""What the editor asks for, one file a request."""
