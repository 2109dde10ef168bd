"""The commands of ``okno``, one module a group; importing them imports click alone."""
