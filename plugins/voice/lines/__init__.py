"""The line directory: which line serves which product, its number, who may consult it; calls are passed to lines."""
