"""Recorded conversations: read from our transcripts and other tools' logs, told in words, exported, compared."""
