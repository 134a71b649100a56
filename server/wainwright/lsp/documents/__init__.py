"""What is open in the editor: buffers, positions, and the documents that are ours."""
