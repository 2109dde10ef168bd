"""The visitor's side: the widget, what visitors write and tell, and the pages on which administrators set widgets up."""
