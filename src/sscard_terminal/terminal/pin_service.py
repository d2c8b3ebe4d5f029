"""A PIN reset or unblocked at the service window, with card and identity document both there.

The terminal sees no key: the host answers with what opens the card's PIN commands, and with the command itself. The
new PIN comes from the window's pad. Not here: PIN changes by the holder (workflow.py), and words for people.
Source: card.md §3 ("On-line flow for RELOAD"), §6.7; system.md, row "unlock".
"""

from __future__ import annotations

from dataclasses import dataclass

from sscard_terminal.cardspec.issuing import (
    HostRefused,
    HostUnreachable,
    IdentitySighting,
    PinCommand,
    PinCommandRequest,
    PinPermissionRequest,
    PinService,
)
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.iso7816.status import BLOCKED
from sscard_terminal.reader.connection import LinkError

from .client_issuing import PUK_KEY_ID
from .exchange import CardRefused
from .identification import FACTOR_LENGTH, IdentifiedCard, declined_by_card
from .issuer_host import IssuerHost
from .journal_file import JournalTrouble, declined_by_journal
from .load import Window, reference_of
from .outcomes import Accepted, Declined, Reason
from .pin_service_journal import PinServiceEntry, PinServiceEventKind, PinServiceJournal
from .workflow import objection_to_new_pin


def reset_pin(
    card: IdentifiedCard, host: IssuerHost, window: Window, sighting: IdentitySighting, new: Pin
) -> Accepted | Declined:
    """PIN RELOAD: a new PIN of exactly 6 digits that is no first PIN, and three tries; a locked PIN is open again.

    Raises:
        LinkError: the card was asked and its answer is lost, so that it may have either PIN: reset again.
    """
    if (objection := objection_to_new_pin(None, new)) is not None:
        return Declined(objection)
    return _Service(card, host, window, sighting, PinService.RESET, new).run()


def unblock_pin(
    card: IdentifiedCard, host: IssuerHost, window: Window, sighting: IdentitySighting
) -> Accepted | Declined:
    """PIN UNBLOCK: the PIN stays as it is and has its three tries again. On a PIN that is not locked it does the same.

    Raises:
        LinkError: the card was asked and its answer is lost: unblock again.
    """
    return _Service(card, host, window, sighting, PinService.UNBLOCK, None).run()


@dataclass(frozen=True, slots=True)
class _Service:
    card: IdentifiedCard
    host: IssuerHost
    window: Window
    sighting: IdentitySighting
    service: PinService
    new_pin: Pin | None

    def run(self) -> Accepted | Declined:
        """Request in the journal, proof of both sides, the command, its end in the journal."""
        request = self.window.request_id()
        journal = PinServiceJournal(self.window.journal)
        try:
            number = journal.record_request(self._entry(request))
        except JournalTrouble as trouble:
            return declined_by_journal(trouble)
        made = self._made(request)
        if isinstance(made, Declined):
            self._end(journal, number, PinServiceEventKind.NOT_DONE, made)
            return made
        try:
            outcome = self._obeyed(made)
        except LinkError:
            self._end(journal, number, PinServiceEventKind.LOST)
            raise
        if isinstance(outcome, Declined):
            self._end(journal, number, PinServiceEventKind.NOT_DONE, outcome)
        else:
            self._end(journal, number, PinServiceEventKind.DONE)
        return outcome

    def _entry(self, request: str) -> PinServiceEntry:
        return PinServiceEntry(
            request=request,
            service=self.service,
            identification=self.card.identification,
            card_number=self.card.number,
            terminal=self.window.terminal,
            sighting=self.sighting,
            at=self.window.clock(),
        )

    def _made(self, request: str) -> PinCommand | Declined:
        """The command, and the card ready for it; until now its PIN is untouched."""
        try:
            return self._opened(request)
        except CardRefused as refused:
            return _declined(refused)
        except HostUnreachable:
            return Declined(Reason.HOST_UNREACHABLE)
        except LinkError as error:
            return Declined(Reason.LINK_BROKEN, link=error.reason)
        except FormatError:
            return Declined(Reason.CARD_DATA_MALFORMED)

    def _obeyed(self, made: PinCommand) -> Accepted | Declined:
        client = self.card.client
        try:
            if self.new_pin is None:
                client.unblock_pin(made.mac)
            else:
                client.reload_pin(made.cryptogram, made.mac)
        except CardRefused as refused:
            return _declined(refused)
        except LinkError as error:
            if error.reached_card:
                raise
            return Declined(Reason.LINK_BROKEN, link=error.reason)
        return Accepted()

    def _opened(self, request: str) -> PinCommand | Declined:
        """PUK authenticated and the command made over a fresh challenge, which nothing may come after.

        The card proves itself to the host first: data of wrong keys would cost one of PUK's three tries for ever.
        """
        client = self.card.client
        client.enter_ssse()
        asked = self._permission_request(request)
        permitted = self.host.permit_pin_service(asked)
        if isinstance(permitted, HostRefused):
            return Declined(Reason.HOST_REFUSED, host=permitted.reason)
        client.external_authenticate(PUK_KEY_ID, permitted.authentication_data, asked.information)
        made = self.host.pin_command(PinCommandRequest(request, asked.card, client.challenge(), self.new_pin))
        return Declined(Reason.HOST_REFUSED, host=made.reason) if isinstance(made, HostRefused) else made

    def _permission_request(self, request: str) -> PinPermissionRequest:
        """Two challenges: the first is the information, the second, the newest, the factor (card.md §6.7)."""
        client = self.card.client
        factor, original = self.window.random(FACTOR_LENGTH), self.window.random(FACTOR_LENGTH)
        answer = client.internal_authenticate(factor, original)
        information, challenge = client.challenge(), client.challenge()
        return PinPermissionRequest(
            request=request,
            card=reference_of(self.card),
            service=self.service,
            terminal=self.window.terminal,
            sighting=self.sighting,
            factor=factor,
            original=original,
            answer=answer,
            challenge=challenge,
            information=information,
        )

    def _end(
        self,
        journal: PinServiceJournal,
        number: int,
        kind: PinServiceEventKind,
        declined: Declined | None = None,
    ) -> None:
        """What is done is done, even where it can no longer be written down: the request stands there."""
        sw, detail = (None, "") if declined is None else (declined.sw, str(declined.host or declined.reason))
        try:
            journal.record(number, kind, self.window.clock(), sw, detail)
        except JournalTrouble:
            return


def _declined(refused: CardRefused) -> Declined:
    """6983 to EXTERNAL AUTHENTICATE: PUK's own tries are used up, for ever. Source: card.md §3, row "PUK locks"."""
    if refused.command == "EXTERNAL AUTHENTICATE" and refused.sw == BLOCKED:
        return Declined(Reason.PUK_BLOCKED, sw=refused.sw, command=refused.command)
    return declined_by_card(refused)
