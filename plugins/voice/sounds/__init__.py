"""Sound files: read from what browsers and people send, written for calls and for listening, and text that is spoken."""
