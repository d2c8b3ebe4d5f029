"""The open toolchain for the Chinese social security card: terminal, virtual card and what both speak."""
