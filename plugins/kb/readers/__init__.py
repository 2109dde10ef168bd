"""What readers say of articles, what editors make of it, and reports."""
