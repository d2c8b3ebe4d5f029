"""`python -m sscard_terminal.cli`, the same as `sscard`; nothing else."""

from .main import main

main()
