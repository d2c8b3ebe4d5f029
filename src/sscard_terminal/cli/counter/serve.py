"""`sscard counter serve`: readers, settings and journal put together for the page in a browser (counter/).

Not here: the page and its server. They are imported only when it runs: the other commands need no FastAPI.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
import time
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sscard_terminal.reader.pcsc import wait_for_card, wait_for_removal
from sscard_terminal.terminal.configuration import Configuration
from sscard_terminal.terminal.hotlist import HotlistTrouble
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.till.till import Shop

from ..command import BadValue, Run, service
from ..debit import opened_journal
from ..desk import Desk, desk_of, now
from ..exits import Exit, Stop
from ..training import IMAGE_PREFIX
from ..values import HIGHEST_PORT, FilePath
from .token import programs_file

if TYPE_CHECKING:
    from sscard_terminal.counter.fittings import CardWatch, Fittings
    from sscard_terminal.counter.known_driver import DriverMaker, KnownDriver
    from sscard_terminal.counter.security import Address
    from sscard_terminal.counter.serving import Listening
    from sscard_terminal.driver.place import PinEntry
    from sscard_terminal.terminal.issuer_host import IssuerHost
    from sscard_terminal.terminal.slots import Slots

    from .practice import Practice

HOST, PORT = "127.0.0.1", 8650
PACKAGES = ("fastapi", "jinja2", "pydantic", "starlette", "uvicorn")
"""Of the extra `counter`."""


@service("serve")
@click.option("--host", metavar="HOST", default=HOST)
@click.option("--port", metavar="PORT", type=click.IntRange(0, HIGHEST_PORT), default=PORT)
@click.option("--name", "names", metavar="NAME", multiple=True)
@click.option("--tls-cert", metavar="FILE", type=FilePath())
@click.option("--tls-key", metavar="FILE", type=FilePath())
@click.option("--open", "opens", is_flag=True)
@click.option("--practice", is_flag=True)
@click.option("--kiosk", is_flag=True)
@click.option("--loopback", is_flag=True)
@click.option("--keys", metavar="FILE", type=FilePath())
@click.option("--ledger", metavar="FILE", type=FilePath())
@click.option("--journal", metavar="FILE", type=FilePath())
def serve(
    run: Run,
    host: str,
    port: int,
    names: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    opens: bool,
    practice: bool,
    kiosk: bool,
    loopback: bool,
    keys: Path | None,
    ledger: Path | None,
    journal: Path | None,
) -> int:
    """See messages, help.counter serve."""
    if (keys is None and ledger is not None) or (kiosk and keys is not None):
        raise BadValue("usage.counter-host")
    require_packages()
    if loopback and not practice:
        raise BadValue("usage.loopback")
    with ExitStack() as stack:
        at_practice: Practice | None = None
        if practice:
            from .practice import practising

            at_practice = stack.enter_context(practising(run, journal, loopback=loopback, kiosk=kiosk))
            run, journal = at_practice.run, at_practice.journal
            if keys is None and not kiosk:
                keys, ledger = at_practice.keys, at_practice.ledger
        desk = stack.enter_context(desk_of(run))
        configuration = desk.settings.configuration
        given = (tls_cert, tls_key)
        if given == (None, None):
            given = (configuration.counter_certificate, configuration.counter_key)
        if (given[0] is None) != (given[1] is None):
            raise Stop(Exit.USAGE, "counter.half-tls")
        from sscard_terminal.counter.serving import Listening

        _serve(
            run,
            replace(
                fittings_of(run, desk, journal, at_practice),
                is_kiosk=kiosk,
                open_host=_host(run, desk, keys, ledger),
            ),
            Listening(host, port, *given, (*names, *configuration.counter_names)),
            opens,
            at_practice,
        )
    return Exit.DONE


def _host(
    run: Run, desk: Desk, keys: Path | None, ledger: Path | None
) -> Callable[[], AbstractContextManager[IssuerHost]] | None:
    """What opens the issuer's host, once the counter begins; None where no keys are named."""
    if keys is None:
        return None
    from ..issuer import issuer_host

    return lambda: issuer_host(run, desk.settings.configuration, keys, ledger)


def require_packages() -> None:
    """
    Raises:
        Stop: what the page is made with is not installed.
    """
    try:
        import sscard_terminal.counter.serving  # noqa: F401
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        raise Stop(Exit.USAGE, "counter.no-packages", package=error.name) from error


def _serve(
    run: Run, fittings: Fittings, listening: Listening, opens: bool, practice: Practice | None
) -> None:
    from sscard_terminal.counter import serving

    def ready(address: Address) -> None:
        run.console.say("counter.serving", url=address.url)
        run.console.give({"url": address.url})
        if practice is not None:
            practice.tell(run.console, address.url)
        sys.stdout.flush()
        if opens:
            webbrowser.open(address.url)

    try:
        serving.serve(fittings, listening, ready)
    except serving.NeedsTls as error:
        raise Stop(Exit.USAGE, "counter.needs-tls", host=listening.host) from error
    except serving.WrongTls as error:
        raise Stop(Exit.USAGE, "counter.wrong-tls", file=listening.certificate) from error
    except serving.CannotListen as error:
        taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
        key = "counter.port-taken" if taken else "counter.cannot-listen"
        raise Stop(Exit.USAGE, key, host=listening.host, port=listening.port) from error


def fittings_of(run: Run, desk: Desk, journal: Path | None, practice: Practice | None = None) -> Fittings:
    """The counter's parts, both readers settled on, or those of `practice`.

    Raises:
        Stop: it cannot be told which they are.
    """
    from sscard_terminal.counter.fittings import Fittings

    settings, bench = desk.settings, None if practice is None else practice.bench
    if practice is not None and practice.slots is not None:
        slots: Slots = practice.slots
        watch: CardWatch = practice.slots.slot
        reader = "loopback"
    else:
        slots, reader = desk, desk.stand_by()
        watch = AlwaysThere() if reader.startswith(IMAGE_PREFIX) else ReaderWatch(reader)
    return Fittings(
        slots,
        watch,
        lambda: opened_journal(settings.configuration, journal),
        Shop(settings.policy, settings.rules, settings.configuration.place),
        settings.configuration,
        now,
        secrets.token_bytes,
        run.console.language,
        HotlistWatch(settings.configuration).newer,
        reader,
        bench=bench,
        programs=programs_file(settings.configuration),
        driver=known_driver_of(slots),
    )


def known_driver_of(slots: Slots) -> DriverMaker:
    """The known driver's functions over the counter's own slots; their texts are the known Chinese ones, whatever the page speaks."""

    def made(journal: Journal, shop: Callable[[], Shop], pins: PinEntry) -> KnownDriver:
        from sscard_terminal.driver.driver import Driver
        from sscard_terminal.driver.over_slots import ReadersOfSlots
        from sscard_terminal.driver.place import Place

        readers = ReadersOfSlots(slots)
        return Driver(lambda: Place(readers, journal, shop(), now, secrets.token_bytes, pins))

    return made


class HotlistWatch:
    """Looks, card by card, whether the hotlist's file is another; one that cannot be used leaves the old one to grow old."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._seen = self._stamp()

    def newer(self, shop: Shop) -> Shop:
        """The same shop, by the newest hotlist."""
        stamp = self._stamp()
        if stamp == self._seen:
            return shop
        try:
            hotlist = self._configuration.read_hotlist()
        except (HotlistTrouble, OSError):
            return shop
        self._seen = stamp
        policy, rules = replace(shop.policy, hotlist=hotlist), replace(shop.rules, hotlist=hotlist)
        return replace(shop, policy=policy, rules=rules)

    def _stamp(self) -> tuple[int, int] | None:
        file = self._configuration.hotlist
        try:
            status = None if file is None else os.stat(file)
        except OSError:
            return None
        return None if status is None else (status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class ReaderWatch:
    """Cards coming to and going from a reader of PC/SC."""

    reader: str

    def wait_for_card(self, timeout_s: float) -> bool:
        return wait_for_card(self.reader, timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        return wait_for_removal(self.reader, timeout_s)


@dataclass(frozen=True, slots=True)
class AlwaysThere:
    """A card in a file, which nobody can take out."""

    def wait_for_card(self, timeout_s: float) -> bool:
        return True

    def wait_for_removal(self, timeout_s: float) -> bool:
        time.sleep(timeout_s)
        return False
