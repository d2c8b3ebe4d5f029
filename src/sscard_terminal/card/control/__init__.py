"""What can be done to a virtual card from outside: put it in, pull it out, swap it, hang it, cut it off, tear its memory.

One vocabulary (verbs.py) for the simulator's drawer, for scripts and for the shell. Not here: what the card answers.
"""
