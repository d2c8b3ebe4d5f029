"""The reader side: the seam to a card, what wraps it, and PC/SC behind it. No social security here."""
