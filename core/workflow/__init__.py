"""What runs after a disposition: definitions, durable runs, the core's own steps."""
