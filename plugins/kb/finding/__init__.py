"""From the data base into the index, and from what people type to articles."""
