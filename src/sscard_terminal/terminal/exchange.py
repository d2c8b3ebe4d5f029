"""One command sent and its status word judged: data, or a refusal that names the command.

Not here: what a caller does about a refusal, and broken links (reader).
"""

from __future__ import annotations

from sscard_terminal.iso7816.apdu import CommandApdu
from sscard_terminal.iso7816.status import StatusWord
from sscard_terminal.reader.connection import Connection


class CardRefused(Exception):
    """The card (or the PSAM) said no: `command` in the trade's name, `sw` its status word, known or unknown."""

    def __init__(self, command: str, sw: StatusWord) -> None:
        super().__init__(command, sw)
        self.command = command
        self.sw = sw

    def __str__(self) -> str:
        return f"{self.command}: {self.sw} ({self.sw.meaning()})"


def send(connection: Connection, name: str, command: CommandApdu) -> bytes:
    """Send one command and return the data of its answer.

    61xx counts as success: to a command that asked for no data it says that some could be fetched.

    Raises:
        CardRefused: any other word than 9000 and 61xx.
        LinkError: no answer came.
    """
    answer = connection.transmit(command)
    if not answer.sw.is_success:
        raise CardRefused(name, answer.sw)
    return answer.data
