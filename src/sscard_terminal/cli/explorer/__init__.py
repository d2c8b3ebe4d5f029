"""`sscard shell`: the explorer at a prompt or from a file."""
