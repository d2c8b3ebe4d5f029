"""A counter to practise at: a private pcscd, an invented card and a PSAM plugged in, a journal that is thrown away.

Not here: the page (counter/). The chips run as processes of their own, as in `sscard demo`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from sscard_terminal.reader.private_pcscd import PrivatePcscd

from ..command import Run
from ..demo.people import demo_card_image, demo_psam_image
from ..demo.stage import CARD, INSERTION_TIMEOUT_S, PSAM, child, environment, serve_command
from ..exits import Exit, Stop
from ..making import save_new


@contextmanager
def practising(run: Run, journal: Path | None) -> Iterator[tuple[Run, Path]]:
    """The same run in training, at readers of its own, with card and PSAM in them; and its journal.

    Raises:
        PcscdUnavailable: PC/SC cannot be had here.
        Stop: a chip's process ended early.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sscard-counter-")))
        pcscd = stack.enter_context(PrivatePcscd(2))
        stack.enter_context(environment(pcscd.environment()))
        readers = dict(zip((CARD, PSAM), pcscd.slots, strict=True))
        for role, image in ((PSAM, demo_psam_image()), (CARD, demo_card_image())):
            save_new(folder / f"{role}.image", image)
            command = pcscd.wrap_command(serve_command(role, folder / f"{role}.image", readers[role]))
            process = stack.enter_context(child(command))
            from sscard_terminal.reader.pcsc import wait_for_card  # after its environment is made

            if not wait_for_card(readers[role].reader, INSERTION_TIMEOUT_S) or process.poll() is not None:
                raise Stop(Exit.TROUBLE, "demo.process-died")
        at_practice = replace(
            run, training=True, reader=readers[CARD].reader, psam_reader=readers[PSAM].reader
        )
        yield at_practice, journal or folder / "training.db"
