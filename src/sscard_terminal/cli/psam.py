"""`sscard psam`: make a virtual PSAM and put it into a virtual reader; real PSAMs come from the bureau."""

from __future__ import annotations

from pathlib import Path

import click

from sscard_terminal.iso7816.errors import FormatError

from . import contents, images, inputs, making
from .command import LocalGroup, Run, service
from .demo.people import TERMINAL
from .exits import Exit
from .serving import line_at, serve_options
from .serving import serve as keep_in_reader
from .values import Address, FilePath, TerminalNumber, image_argument

PSAM_PORT = 35964
"""Where the packaged driver's second slot listens. Source: pcsc.md section 2."""


@click.group("psam", cls=LocalGroup)
def psam() -> None:
    """See messages, help.psam."""


@service("new", uses_readers=False, has_trace=False)
@image_argument()
@click.option("--keys", metavar="FILE", type=FilePath(), required=True)
@click.option("--terminal", metavar="NUMBER", type=TerminalNumber(), default=TERMINAL)
@click.option("--blank", is_flag=True)
def new(run: Run, image: Path, keys: Path, terminal: str, blank: bool) -> int:
    """See messages, help.psam new."""
    roots = inputs.read_keys(keys, run.console.language)
    try:
        content = making.psam_image(roots, terminal, blank)
    except FormatError as error:
        raise inputs.wrong_keys(keys, error, run.console.language) from error
    making.save_new(image, content)
    run.console.say("psam.made", file=image, terminal=terminal)
    run.console.give({"image": str(image), "profile": making.PSAM_PROFILE, "terminal": terminal})
    return Exit.DONE


@service("serve", uses_readers=False)
@image_argument()
@serve_options(PSAM_PORT)
def serve(run: Run, image: Path, vpcd: Address, t1: bool, until_eof: bool, baud: int | None) -> int:
    """See messages, help.psam serve."""
    with images.opened(image, "psam", run.console.language, at_once=t1) as opened:
        what = run.console.text("serve.psam", terminal=contents.terminal_in(opened.nvm))
        return keep_in_reader(run, opened, what, vpcd, until_eof, line_at(baud, t1=t1))


for _command in (new, serve):
    psam.add_command(_command)
