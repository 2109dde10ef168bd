"""Articles in and out of the house: one importer, several formats."""
