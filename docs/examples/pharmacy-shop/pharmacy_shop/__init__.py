"""A shop's own software: what it does with a social security card."""
