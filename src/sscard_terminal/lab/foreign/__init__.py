"""Readers of other tools' script formats; each makes the statements of lab/script/syntax.py."""
