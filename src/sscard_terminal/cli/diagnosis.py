"""What is wrong with readers, drivers and services on this machine: look first, then judge, in two separate steps.

Not here: words (messages) and mending; nothing is changed. Source of the faults: pcsc.md sections 1, 2 and 6.
"""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import Connection, LinkError, LinkReason, exclusively
from sscard_terminal.reader.private_pcscd.slots import DRIVER
from sscard_terminal.terminal.psam import Psam, PsamFailure
from sscard_terminal.terminal.psam_care import PsamState, key_end, look_at

from .ports import has_network, ports_open_everywhere

SECURITY_VIOLATION = 0x8010_006A
"""SCARD_W_SECURITY_VIOLATION: polkit said no. Source: PC/SC part 5; pcsc-lite."""
PACKAGED_PORTS = (35963, 35964)
"""Source: pcsc.md section 2."""
PATIENCE_S = 2.0
CONFIGURATION = Path("/etc/reader.conf.d")
RUN_FOLDER = Path("/run/pcscd")
_PORT = re.compile(r"^\s*DEVICENAME\s+\S+:(0x[0-9A-Fa-f]+|\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """One reader: empty, with a card that answers (`reason` None), or why that card cannot be used; `psam` if it is one."""

    name: str
    filled: bool = False
    reason: LinkReason | None = None
    psam: PsamState | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found on this machine."""

    pyscard: str = ""
    """Its version; "" where it cannot be loaded, then `pyscard_problem` says why."""
    pyscard_problem: str = ""
    build_missing: tuple[str, ...] = ()
    pcscd: str = ""
    run_folder: bool = True
    socket: str = ""
    """PCSCLITE_CSOCK_NAME, where it is set."""
    service: LinkReason | None = None
    """None where the service answers."""
    hresult: int = 0
    driver: bool = True
    open_ports: tuple[int, ...] = ()
    readers: tuple[ReaderFacts, ...] = ()
    programs: tuple[str, ...] = ()


class Level(Enum):
    GOOD = "good"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis: how bad, and the words' key with its facts."""

    level: Level
    key: str
    facts: dict[str, Any] = field(default_factory=dict)


def judged(facts: Facts) -> Iterator[Finding]:
    """The findings in the order in which they are to be mended."""
    yield from _of_pyscard(facts)
    if facts.pcscd:
        yield Finding(Level.GOOD, "pcscd-ok", {"path": facts.pcscd})
    else:
        yield Finding(Level.FAULT, "pcscd-missing")
    if facts.pyscard:
        yield from _of_service(facts)
    if not facts.driver:
        yield Finding(Level.NOTE, "driver-missing")
    else:
        yield Finding(Level.GOOD, "driver-ok")
    yield from (Finding(Level.FAULT, "port-open", {"port": port}) for port in facts.open_ports)
    yield from (_of_reader(reader, facts.programs) for reader in facts.readers)


def _of_pyscard(facts: Facts) -> Iterator[Finding]:
    if facts.pyscard:
        yield Finding(Level.GOOD, "pyscard-ok", {"version": facts.pyscard})
        return
    lacks_library = "libpcsclite" in facts.pyscard_problem
    remedy = "sudo apt-get install libpcsclite1" if lacks_library else "make install"
    yield Finding(Level.FAULT, "pyscard-broken", {"problem": facts.pyscard_problem, "remedy": remedy})
    for missing in facts.build_missing:
        yield Finding(Level.FAULT, "build-missing", {"missing": missing})


def _of_service(facts: Facts) -> Iterator[Finding]:
    if facts.service is None:
        yield Finding(Level.GOOD, "service-ok", {"count": len(facts.readers)})
        if not facts.readers:
            yield Finding(Level.FAULT, "no-readers")
    elif facts.hresult == SECURITY_VIOLATION:
        yield Finding(Level.FAULT, "polkit")
    elif facts.socket:
        yield Finding(Level.FAULT, "service-socket", {"path": facts.socket})
    else:
        if not facts.run_folder:
            yield Finding(Level.FAULT, "run-missing")
        yield Finding(Level.FAULT, "service-down")


def _of_reader(reader: ReaderFacts, programs: tuple[str, ...]) -> Finding:
    facts: dict[str, Any] = {"name": reader.name}
    match reader:
        case ReaderFacts(filled=False, reason=None):
            return Finding(Level.GOOD, "reader-empty", facts)
        case ReaderFacts(reason=None):
            return Finding(Level.GOOD, "reader-card", facts)
        case ReaderFacts(reason=LinkReason.READER_BUSY):
            return Finding(Level.FAULT, "reader-busy", {**facts, "programs": ", ".join(programs)})
        case ReaderFacts(reason=LinkReason.MUTE_CARD):
            return Finding(Level.FAULT, "reader-mute", facts)
        case _:
            return Finding(Level.FAULT, "reader-trouble", {**facts, "problem": str(reader.reason)})


def judged_keys(readers: tuple[ReaderFacts, ...], today: date, ahead: timedelta) -> Iterator[Finding]:
    """What to say of the PSAMs whose key ends within `ahead`, or has ended."""
    for reader in readers:
        if reader.psam is None or (end := key_end(reader.psam.valid_to, today, ahead)) is None:
            continue
        key = "key-has-ended" if end.is_over else "key-ends-soon"
        facts = {"name": reader.name, "terminal": reader.psam.terminal}
        yield Finding(Level.NOTE, key, {**facts, "valid_to": str(end.day), "days": end.days_left})


def examined(wanted_reader: str = "") -> Facts:
    """Look at this machine; readers whose name holds `wanted_reader` only."""
    try:
        from sscard_terminal.reader import pcsc  # here, so that a pyscard that cannot be loaded is a finding
    except ImportError as error:
        return Facts(pyscard_problem=str(error), build_missing=tuple(_build_missing()), **_machine())
    found: dict[str, Any] = {"pyscard": version("pyscard"), **_machine()}
    try:
        names = [name for name in pcsc.list_readers() if wanted_reader.lower() in name.lower()]
    except LinkError as error:
        return Facts(service=error.reason, hresult=error.hresult or 0, **found)
    readers = tuple(_examined_reader(name) for name in names)
    return Facts(readers=readers, programs=tuple(sorted(programs_using_pcsc())), **found)


def _machine() -> dict[str, Any]:
    """What can be seen without PC/SC."""
    return {
        "pcscd": shutil.which("pcscd") or shutil.which("pcscd", path="/usr/sbin:/sbin") or "",
        "run_folder": RUN_FOLDER.is_dir(),
        "socket": os.environ.get("PCSCLITE_CSOCK_NAME", ""),
        "driver": DRIVER.exists(),
        "open_ports": tuple(sorted(_driver_ports() & ports_open_everywhere())) if has_network() else (),
    }


def _examined_reader(name: str) -> ReaderFacts:
    from sscard_terminal.reader.pcsc import card_present, open_reader

    try:
        if not card_present(name):
            return ReaderFacts(name)
        with closing(open_reader(name, deadline_s=PATIENCE_S)) as connection, exclusively(connection):
            return ReaderFacts(name, filled=True, psam=_psam_in(connection))
    except LinkError as error:
        return ReaderFacts(name, True, error.reason)


def _psam_in(connection: Connection) -> PsamState | None:
    with suppress(PsamFailure):
        return look_at(Psam(completing(connection)))
    return None


def _build_missing() -> Iterator[str]:
    if shutil.which("gcc") is None:
        yield "gcc"
    if not Path("/usr/include/PCSC/winscard.h").exists():
        yield "winscard.h (libpcsclite-dev)"
    if not Path(sysconfig.get_paths()["include"], "Python.h").exists():
        yield "Python.h (python3-dev)"


def _driver_ports() -> set[int]:
    """Where the virtual reader's driver may listen: as packaged, and as configured here (two slots an entry)."""
    ports = set(PACKAGED_PORTS)
    with suppress(OSError):
        for file in sorted(CONFIGURATION.iterdir()):
            first = [int(number, 0) for number in _PORT.findall(file.read_text(errors="replace"))]
            ports.update(first, (port + 1 for port in first))
    return ports


def programs_using_pcsc(processes: Path = Path("/proc")) -> Iterator[str]:
    """Name and process id of every other program that has the PC/SC library loaded, as far as we may see."""
    for process in processes.iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        with suppress(OSError):
            if "libpcsclite.so" in (process / "maps").read_text(errors="replace"):
                yield f"{(process / 'comm').read_text().strip()} ({process.name})"
