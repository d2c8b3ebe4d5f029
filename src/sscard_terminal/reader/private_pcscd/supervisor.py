"""Keeps one pcscd alive for as long as its owner lives; a script of its own, nothing imports it.

Started as `python -I -S supervisor.py DIRECTORY PCSCD DROP_DIRECTORY PRELOAD ISOLATE [pcscd option ...]` with a
SOCK_SEQPACKET control socket as standard input. It answers `isolated`, `isolated user` or `open` and then obeys
one request per message: `start` and `stop` (the pcscd), `socket` (a TCP socket that belongs to pcscd's network
namespace, sent as a file descriptor). Each answer begins with `ok` or `no`. When the control socket closes, for
whatever reason, pcscd ends and DIRECTORY goes.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import sys

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x0002_0000, 0x1000_0000, 0x4000_0000  # sched.h
MS_REC, MS_PRIVATE = 0x4000, 0x4_0000  # sys/mount.h
PR_SET_PDEATHSIG = 1  # sys/prctl.h
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # linux/sockios.h, net/if.h
LISTENING_FD = 3  # where socket activation looks, sd_listen_fds(3)

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """Call a libc function that says -1 for no; raises OSError."""
    if getattr(libc, name)(*arguments) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def cover(directory: str) -> None:
    """Lay an empty directory over this one, seen by us and our pcscd only."""
    call("mount", b"none", os.fsencode(directory), b"tmpfs", 0, None)


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))


def enter_namespaces(flags: int, drop_directory: str) -> None:
    """Leave for a network of our own, where the driver's port on 0.0.0.0 is out of everybody's reach.

    The mounts keep this pcscd's hands off /run/pcscd, which may be the system pcscd's, and off real readers: without
    USB drivers there are none.
    """
    uid, gid = os.getuid(), os.getgid()
    call("unshare", flags)
    if flags & CLONE_NEWUSER:
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    if not os.path.isdir("/run/pcscd"):
        cover("/run")
        os.mkdir("/run/pcscd")
    else:
        cover("/run/pcscd")
    cover(drop_directory)
    raise_loopback()


def isolate(drop_directory: str) -> str:
    """Try the namespaces first as we are, then with a user namespace; `open` where neither is allowed.

    Each is tried in a child, because half of it could not be undone.
    """
    for flags, answer in (
        (CLONE_NEWNET | CLONE_NEWNS, "isolated"),
        (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS, "isolated user"),
    ):
        child = os.fork()
        if not child:
            try:
                enter_namespaces(flags, drop_directory)
            except OSError as error:
                print(f"supervisor: not {answer}: {error}", file=sys.stderr, flush=True)  # noqa: T201
                os._exit(1)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            enter_namespaces(flags, drop_directory)
            return answer
    return "open"


class Daemon:
    """One pcscd, started by socket activation (pcsc.md section 2)."""

    def __init__(self, directory: str, command: list[str], preload: str) -> None:
        self.directory = directory
        self.command = command
        self.preload = preload
        self.pid = 0

    def start(self) -> None:
        path = f"{self.directory}/comm"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen(64)
            parent = os.getpid()
            self.pid = os.fork()
            if not self.pid:
                try:
                    self.become_pcscd(listening, parent)
                finally:
                    os._exit(127)

    def become_pcscd(self, listening: socket.socket, parent: int) -> None:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
        if listening.fileno() != LISTENING_FD:
            os.dup2(listening.fileno(), LISTENING_FD)
        os.set_inheritable(LISTENING_FD, True)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
        if self.preload:
            os.environ["LD_PRELOAD"] = self.preload
        os.execv(self.command[0], self.command)

    def stop(self) -> None:
        if not self.pid:
            return
        os.kill(self.pid, signal.SIGKILL)  # nothing to save, and SIGTERM waits for a mute card's slot
        os.waitpid(self.pid, 0)
        self.pid = 0
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.directory}/comm")


def obey(control: socket.socket, daemon: Daemon, request: bytes) -> None:
    if request == b"start":
        daemon.start()
        control.send(b"ok %d" % daemon.pid)
    elif request == b"stop":
        daemon.stop()
        control.send(b"ok")
    elif request == b"socket":
        with socket.socket() as fresh:
            socket.send_fds(control, [b"ok"], [fresh.fileno()])
    else:
        control.send(b"no such request")


def main(arguments: list[str]) -> None:
    directory, pcscd, drop_directory, preload, wish, *options = arguments
    control = socket.socket(fileno=os.dup(0))
    daemon = Daemon(directory, [pcscd, "-f", "-c", f"{directory}/conf", *options], preload)
    try:
        control.send((isolate(drop_directory) if wish == "isolate" else "open").encode())
        while request := control.recv(64):
            try:
                obey(control, daemon, request)
            except OSError as error:
                control.send(f"no {error}".encode())
    finally:
        daemon.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
