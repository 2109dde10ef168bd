"""The pages on which articles are written."""
