"""The library that hears a program's PC/SC calls: libpcscspy of pcsc-lite, behind a small one of ours that stands in for
libpcsclite.

Not here: starting the program (live.py). Source: pcsc-lite 1.9.9, src/libpcscspy.c, winscard.h; dlsym(3).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

REAL = "libpcsclite.so.1"
_PLACES = ("usr/lib/*", "usr/lib64", "usr/lib", "usr/local/lib")
SOURCE = r"""
#include <dlfcn.h>
#include <stddef.h>

typedef struct { unsigned long protocol, length; } request;

/* libpcscspy has the functions of libpcsclite, but not these data, which programs linked against it want. */
const request g_rgSCardT0Pci = { 1, sizeof(request) };
const request g_rgSCardT1Pci = { 2, sizeof(request) };
const request g_rgSCardRawPci = { 4, sizeof(request) };

/* It reads the header of the answer, which a caller need not hand over (pyscard does not), and would fall over NULL. */
long SCardTransmit(long card, const request *asked, const unsigned char *command, unsigned long count,
                   request *answered, unsigned char *answer, unsigned long *room)
{
    static long (*heard)(long, const request *, const unsigned char *, unsigned long, request *,
                         unsigned char *, unsigned long *);
    request spare = { asked != NULL ? asked->protocol : 0, sizeof(request) };
    if (heard == NULL)
        *(void **) &heard = dlsym(dlopen(SPY, RTLD_LAZY), "SCardTransmit");
    return heard(card, asked, command, count, answered != NULL ? answered : &spare, answer, room);
}
"""


class NoSpy(Exception):
    """The spying library, or the library it listens to, is not there."""


def spy_library(root: Path = Path("/")) -> tuple[Path, Path]:
    """The spying library and the real one beside it.

    Raises:
        NoSpy: one is missing.
    """
    for place in _PLACES:
        for spy in sorted(root.glob(f"{place}/libpcscspy.so*")):
            if spy.exists() and (real := spy.with_name(REAL)).exists():
                return spy, real
    raise NoSpy


def stand_in(spy: Path) -> Path:
    """What a program finds in place of libpcsclite: ours before `spy`, compiled on first use and kept in the cache folder.

    Without a compiler it is `spy` itself: most programs can be heard, those that hand over no header cannot.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sscard-terminal"
    token = hashlib.sha256(f"{SOURCE}{spy}".encode()).hexdigest()[:16]
    library = cache / f"spy-{token}-{os.uname().machine}.so"
    try:
        if not library.exists():
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            _compile(library, spy)
    except (OSError, subprocess.CalledProcessError):
        return spy
    return library


def _compile(library: Path, spy: Path) -> None:
    # Written beside and renamed: another trace may get here at the same time.
    with tempfile.TemporaryDirectory(dir=library.parent) as workshop:
        fresh = Path(workshop) / "spy.so"
        options = ["-O2", "-shared", "-fPIC", f'-DSPY="{spy}"', f"-Wl,-soname,{REAL}", "-Wl,--no-as-needed"]
        command = ["gcc", *options, "-x", "c", "-", "-x", "none", str(spy), "-ldl", "-o", str(fresh)]
        subprocess.run(command, input=SOURCE, text=True, check=True, capture_output=True)
        fresh.replace(library)
