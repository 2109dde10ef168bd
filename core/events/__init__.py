"""What happened, told live: the event log, the wake between processes, the tailer, the hub, the stream."""
