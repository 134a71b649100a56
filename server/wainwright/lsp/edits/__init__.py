"""A change on its way into the editor, and back."""
