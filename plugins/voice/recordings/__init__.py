"""Recordings of calls: begun and paused with the call, encoded and kept for their days, heard by who may."""
