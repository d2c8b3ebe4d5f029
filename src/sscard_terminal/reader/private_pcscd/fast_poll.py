"""Makes a pcscd look for cards every 20 ms instead of 400 ms, for tests; it changes nothing about APDUs.

Source: pcsc.md section 3.
"""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

/* pcscd waits 400 ms between two looks at a reader; no other wait of its is exactly that long. */
int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    int (*real)(const struct timespec *, struct timespec *) = dlsym(RTLD_NEXT, "nanosleep");
    struct timespec shorter = *wanted;
    if (shorter.tv_sec == 0 && shorter.tv_nsec == 400000000)
        shorter.tv_nsec = 20000000;
    return real(&shorter, left);
}
"""


def fast_poll_library() -> Path:
    """The library to preload, compiled on first use and kept in the user's cache folder.

    Raises:
        OSError: the cache cannot be written, or there is no gcc.
        subprocess.CalledProcessError: gcc refused; its words are in `stderr`.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sscard-terminal"
    library = cache / f"fast_poll-{hashlib.sha256(SOURCE.encode()).hexdigest()[:16]}-{os.uname().machine}.so"
    if not library.exists():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        _compile(library)
    return library


def _compile(library: Path) -> None:
    # Written beside and renamed: several test workers may get here at once.
    with tempfile.TemporaryDirectory(dir=library.parent) as workshop:
        fresh = Path(workshop) / "fast_poll.so"
        command = ["gcc", "-O2", "-shared", "-fPIC", "-x", "c", "-o", str(fresh), "-", "-ldl"]
        subprocess.run(command, input=SOURCE, text=True, check=True, capture_output=True)
        fresh.replace(library)
