"""Service levels: priorities, business calendars, due times and the clock of a case."""
