"""The process that has the engines of all windows, and the small one in front of it that an editor talks to."""
