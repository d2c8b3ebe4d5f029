"""The command `sscard demo`; the story is in story.py, where it plays in stage.py.

Light, so that the first line appears at once: the heavy parts are imported after it.
"""

from __future__ import annotations

import sys

import click

from ..command import Run, service


@service("demo", uses_readers=False)
@click.option("--loopback", is_flag=True)
def demo(run: Run, loopback: bool) -> int:
    """See messages, help.demo."""
    run.console.say("demo.start-loopback" if loopback else "demo.start")
    sys.stdout.flush()
    from .story import play

    return play(run, loopback)
