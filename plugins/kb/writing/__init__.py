"""Articles and folders as they are written: the operations that change them, versions, working copies, locks, dates, files."""
