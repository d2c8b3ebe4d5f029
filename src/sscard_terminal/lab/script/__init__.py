"""The script language: grammar, values, text both ways."""
