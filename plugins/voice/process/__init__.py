"""The voice process: it hosts a telephony backend and serves it on a socket. Nothing of Flask or the data base runs in it."""
