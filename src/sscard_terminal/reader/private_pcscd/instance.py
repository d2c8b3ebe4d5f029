"""PrivatePcscd: start a pcscd with virtual readers, tell where it is, end it; it does not talk PC/SC to it.

Every fact about pcscd and its vpcd driver used here is from pcsc.md sections 2 and 3.
"""

import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sscard_terminal.reader.private_pcscd.fast_poll import fast_poll_library
from sscard_terminal.reader.private_pcscd.slots import (
    DRIVER,
    MOST_SLOTS,
    SLOTS_PER_DRIVER,
    PcscdUnavailable,
    Slot,
    free_ports,
    listening_ports,
    write_configuration,
)

LONGEST_DIRECTORY = 90  # a socket path ends at 107 characters
START_ATTEMPTS = 5
PATIENCE_S = 10.0

_INSTALL = "apt-get install pcscd vsmartcard-vpcd"
_VERSION_COMMAND = 0x11  # CMD_VERSION of pcscd's client protocol: size, command, then major, minor, result


class _PortTaken(PcscdUnavailable):
    """The driver could not listen on one of the ports we chose."""


class PrivatePcscd:
    """A pcscd of our own, with `slots` empty virtual readers; a context manager.

    Clients find it by `environment()`, which must be set before a process makes its first PC/SC call. Cards connect
    to a slot's port on 127.0.0.1, from inside its network: by `wrap_command` for processes, `open_socket` for
    threads. Both also serve when there is no network of its own (`isolated` is False: the driver's ports are then
    open to whoever reaches this machine, and the caller should say so, naming `ports`).

    `fast_poll` lets it see cards after 20 ms instead of 400 ms. Ends with its owner, even a killed one.

    Raises (from `start` and `with`):
        PcscdUnavailable: pcscd, its driver or what `fast_poll` needs is missing, or it does not start.
    """

    def __init__(self, slots: int = 2, *, isolate: bool = True, fast_poll: bool = False) -> None:
        if not 1 <= slots <= MOST_SLOTS:
            raise ValueError(f"a pcscd has 1 to {MOST_SLOTS} slots, not {slots}")
        self._pairs = -(-slots // SLOTS_PER_DRIVER)
        self._isolate = isolate
        self._fast_poll = fast_poll
        self._lock = threading.Lock()
        self._directory = Path()
        self._control: socket.socket | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._namespaces = "open"
        self.slots: tuple[Slot, ...] = ()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def isolated(self) -> bool:
        """Whether the driver's ports can be reached only from inside its own network."""
        return self._namespaces != "open"

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(slot.port for slot in self.slots)

    def environment(self) -> dict[str, str]:
        """What a PC/SC client process needs in its environment to find this pcscd."""
        return {"PCSCLITE_CSOCK_NAME": str(self._directory / "comm")}

    def wrap_command(self, command: Sequence[str]) -> list[str]:
        """The command line that runs a card process where it reaches the ports; it keeps its process id."""
        if not self.isolated or self._supervisor is None:
            return list(command)
        spaces = f"/proc/{self._supervisor.pid}/ns"
        user = (
            [f"--user={spaces}/user", "--preserve-credentials"] if self._namespaces.endswith("user") else []
        )
        return ["nsenter", *user, f"--net={spaces}/net", "--", *command]

    def open_socket(self) -> socket.socket:
        """A fresh TCP socket that reaches the ports, for a card that lives in this process; from any thread.

        A socket belongs to the network it was made in, whoever holds it; so it is made inside and handed out.
        """
        if not self.isolated:
            return socket.socket()
        _, descriptors = self._request("socket")
        return socket.socket(fileno=descriptors[0])

    def stop_service(self) -> None:
        """Kill the pcscd, as a crash would; slots and socket path stay reserved for `start_service`."""
        self._request("stop")

    def start_service(self) -> None:
        """Start a pcscd, at the same socket path and ports; returns when it answers and its readers are there.

        Raises:
            PcscdUnavailable: it does not start.
        """
        answer, _ = self._request("start")
        self._await_answer()
        missing = set(self.ports) - listening_ports(int(answer.split()[1]))
        if missing:
            raise _PortTaken(f"the driver does not listen on port {min(missing)}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        pcscd = shutil.which("pcscd") or shutil.which("pcscd", path="/usr/sbin:/sbin")
        if pcscd is None:
            raise PcscdUnavailable(f"pcscd is not installed; as root: {_INSTALL}")
        if not DRIVER.exists():
            raise PcscdUnavailable(f"the virtual reader's driver {DRIVER} is missing; as root: {_INSTALL}")
        for _ in range(START_ATTEMPTS):
            try:
                self._start_once(pcscd)
                return
            except _PortTaken as error:
                reason = str(error)
                self.close()
            except BaseException:
                self.close()
                raise
        raise PcscdUnavailable(f"pcscd found no free ports in {START_ATTEMPTS} attempts: {reason}")

    def close(self) -> None:
        """End pcscd and remove its directory; may be called twice."""
        if self._control is not None:
            self._control.close()  # the supervisor takes this for the order to end, and tidies up
            self._control = None
        if self._supervisor is not None:
            try:
                self._supervisor.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                self._supervisor.wait()
            self._supervisor = None
        if self.slots:
            shutil.rmtree(self._directory, ignore_errors=True)
            self.slots = ()

    def _start_once(self, pcscd: str) -> None:
        ports = free_ports(self._pairs * SLOTS_PER_DRIVER)
        self._directory = _short_directory()
        self.slots = write_configuration(self._directory, ports)
        self._start_supervisor(pcscd)
        if not self.isolated:
            _ensure_run_directory()
        self.start_service()

    def _start_supervisor(self, pcscd: str) -> None:
        arguments = [str(self._directory), pcscd, str(DRIVER.parents[1]), self._preload()]
        arguments += ["isolate" if self._isolate else "open", *_polkit_options(pcscd)]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE_S)
        self._control = ours
        script = Path(__file__).with_name("supervisor.py")
        with theirs, (self._directory / "log").open("wb") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(script), *arguments],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; pcscd follows in its own time
            )
        self._namespaces = self._receive()[0]

    def _preload(self) -> str:
        if not self._fast_poll:
            return ""
        try:
            return str(fast_poll_library())
        except subprocess.CalledProcessError as error:
            raise PcscdUnavailable(
                f"gcc could not build the fast poll library: {error.stderr.strip()}"
            ) from error
        except FileNotFoundError as error:
            raise PcscdUnavailable(
                "the fast poll library needs gcc; as root: apt-get install gcc libc6-dev"
            ) from error
        except OSError as error:
            raise PcscdUnavailable(
                f"the fast poll library cannot be kept in the cache folder: {error}"
            ) from error

    def _request(self, request: str) -> tuple[str, list[int]]:
        with self._lock:
            if self._control is None:
                raise PcscdUnavailable("this private pcscd has ended")
            try:
                self._control.send(request.encode())
            except OSError as error:
                raise PcscdUnavailable(f"the private pcscd's supervisor has died: {self._log()}") from error
            return self._receive()

    def _receive(self) -> tuple[str, list[int]]:
        assert self._control is not None
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 256, 1)
        except TimeoutError as error:
            raise PcscdUnavailable(
                f"the private pcscd's supervisor does not answer: {self._log()}"
            ) from error
        answer = message.decode()
        if not answer or answer.startswith("no "):
            raise PcscdUnavailable(f"the private pcscd cannot be served: {answer[3:] or self._log()}")
        return answer, descriptors

    def _await_answer(self) -> None:
        """Ask for the protocol version and wait: pcscd answers only when all readers are set up."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE_S)
                client.connect(str(self._directory / "comm"))
                client.sendall(struct.pack("=IIiiI", 12, _VERSION_COMMAND, 4, 4, 0))
                answered = bool(client.recv(12))
        except OSError:
            answered = False
        if not answered:
            raise PcscdUnavailable(f"pcscd did not start: {self._log() or 'it says nothing'}")

    def _log(self) -> str:
        """The last line pcscd or its supervisor wrote."""
        log = self._directory / "log"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return lines[-1] if lines else ""


def _short_directory() -> Path:
    """A directory of ours, in /tmp where TMPDIR would make the socket path too long or lies under covered /run."""
    usual = tempfile.gettempdir()
    place = "/tmp" if len(usual) > LONGEST_DIRECTORY - 20 or usual.startswith("/run") else usual
    return Path(tempfile.mkdtemp(prefix="sscard-pcscd-", dir=place))


def _ensure_run_directory() -> None:
    """pcscd wants its usual directory to exist even when its socket lies elsewhere."""
    try:
        Path("/run/pcscd").mkdir(exist_ok=True)
    except OSError as error:
        raise PcscdUnavailable("pcscd wants a directory /run/pcscd; as root: mkdir -p /run/pcscd") from error


def _polkit_options(pcscd: str) -> list[str]:
    """pcscd 2 may ask polkit about each client, and polkit may not be there; our socket's directory is guard enough."""
    usage = subprocess.run([pcscd, "--help"], capture_output=True, text=True, check=False).stdout
    return ["--disable-polkit"] if "--disable-polkit" in usage else []
