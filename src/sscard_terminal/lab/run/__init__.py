"""Doing what a script says, against virtual cards, images, readers and transcripts."""
