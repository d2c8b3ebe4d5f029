"""One module a format: from its text or bytes to entries (entries.py), and back where the format can be written."""
