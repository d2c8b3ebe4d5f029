"""The operators of one terminal: who they are, what they may do, and how often their passwords may be wrong.

Not here: passwords and their hashes (passwords.py), the file (operators_file.py), who is signed in (sessions.py).
Source: counter.md, "The flow people know" (登录: operator number and password; supervisor), screen rules 4 and 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sscard_terminal.iso7816.errors import FormatError

from .clock_rules import CLOCK_TOLERANCE
from .passwords import Password, PasswordHash, RandomBytes, hash_of

MAX_DIGITS = 8
"""Of an operator's number. Our choice; slips have room for it."""
MAX_NAME = 40
"""Characters. Our choice."""
FREE_TRIES = 5
"""Wrong passwords in a row before anyone has to wait. Our choice; NIST SP 800-63B §5.2.2 allows up to 100."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
"""The wait doubles with each wrong password from the first to the longest. Source: NIST SP 800-63B §5.2.2."""
MAX_DOUBLINGS = 16
"""Beyond the longest wait, and still a number a timedelta holds."""


class Right(StrEnum):
    """What an operator may do."""

    CLERK = "clerk"
    """收银员: sell, read, change PINs, open and close the day."""
    SUPERVISOR = "supervisor"
    """主管: that too, and what needs somebody to answer for it."""


class Refusal(StrEnum):
    """Why an operator is not let through. The value is the key of its sentence in voice/messages."""

    PASSWORD_WRONG = "password-wrong"
    """Or the number is; which of the two is not told."""
    HELD_BACK = "held-back"
    NOT_SIGNED_IN = "not-signed-in"
    TIMED_OUT = "timed-out"
    CLOCK_WENT_BACKWARDS = "clock-went-backwards"
    SESSION_VOID = "session-void"
    """The session was made by nobody we know: operator removed, password changed, or a file made by hand."""
    NEEDS_SUPERVISOR = "needs-supervisor"
    OTHER_OPERATOR = "other-operator"
    NO_OPERATORS = "no-operators"
    FIRST_IS_SUPERVISOR = "first-is-supervisor"
    LAST_SUPERVISOR = "last-supervisor"
    NUMBER_TAKEN = "number-taken"
    NO_SUCH_OPERATOR = "no-such-operator"
    PASSWORD_TOO_SHORT = "password-too-short"
    PASSWORD_GUESSABLE = "password-guessable"


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Not let through, and nothing was done. `wait_s` stands with HELD_BACK: full seconds until the next try."""

    refusal: Refusal
    number: str = ""
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator; `wrong` counts the wrong passwords since the last right one, the newest of them at `wrong_at`.

    Raises:
        FormatError: the number is not 1 to 8 digits, or the name is empty, too long or has control characters.
    """

    number: str
    name: str
    right: Right
    password: PasswordHash
    wrong: int = 0
    wrong_at: datetime | None = None

    def __post_init__(self) -> None:
        if not is_number(self.number):
            raise FormatError("an operator's number has 1 to 8 digits")
        if not is_name(self.name):
            raise FormatError(
                f"an operator's name has 1 to {MAX_NAME} characters, none of them a control character"
            )
        if self.wrong < 0 or (self.wrong > 0) != (self.wrong_at is not None):
            raise FormatError("an operator's wrong passwords and their time do not fit")

    @property
    def is_supervisor(self) -> bool:
        return self.right is Right.SUPERVISOR

    def wait(self, now: datetime) -> timedelta:
        """How long no password of this operator is looked at; zero where one is.

        A clock set back since lets one try pass, which sets the wait anew: nobody waits for a year that never was.
        """
        if self.wrong < FREE_TRIES or self.wrong_at is None or now < self.wrong_at - CLOCK_TOLERANCE:
            return timedelta(0)
        doublings = min(self.wrong - FREE_TRIES, MAX_DOUBLINGS)
        whole: timedelta = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
        return min(max(self.wrong_at + whole - now, timedelta(0)), whole)


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS


def is_name(text: str) -> bool:
    return text == " ".join(text.split()) and 0 < len(text) <= MAX_NAME and text.isprintable()


@dataclass(frozen=True, slots=True)
class Operators:
    """All operators of a terminal, by number.

    Raises:
        FormatError: two have one number, or there are some and none is a supervisor.
    """

    everyone: tuple[Operator, ...] = ()

    def __post_init__(self) -> None:
        if len({operator.number for operator in self.everyone}) != len(self.everyone):
            raise FormatError("two operators have one number")
        if self.everyone and not any(operator.is_supervisor for operator in self.everyone):
            raise FormatError("there is no supervisor")

    def __iter__(self) -> Iterator[Operator]:
        return iter(self.everyone)

    def __len__(self) -> int:
        return len(self.everyone)

    def find(self, number: str) -> Operator | None:
        return next((operator for operator in self.everyone if operator.number == number), None)

    def with_one(self, operator: Operator) -> Operators:
        """These, and `operator` instead of whoever had that number."""
        others = [other for other in self.everyone if other.number != operator.number]
        return Operators(tuple(sorted([*others, operator], key=lambda one: (len(one.number), one.number))))

    def add(self, operator: Operator) -> Operators | NotAllowed:
        """These and a new one; the first must be a supervisor, or nobody could ever add a second."""
        if self.find(operator.number) is not None:
            return NotAllowed(Refusal.NUMBER_TAKEN, operator.number)
        if not self.everyone and not operator.is_supervisor:
            return NotAllowed(Refusal.FIRST_IS_SUPERVISOR, operator.number)
        return self.with_one(operator)

    def remove(self, number: str) -> Operators | NotAllowed:
        """These without that one; the last supervisor stays."""
        if (leaving := self.find(number)) is None:
            return NotAllowed(Refusal.NO_SUCH_OPERATOR, number)
        staying = tuple(operator for operator in self.everyone if operator is not leaving)
        if not any(operator.is_supervisor for operator in staying):
            return NotAllowed(Refusal.LAST_SUPERVISOR, number)
        return Operators(staying)

    def counted(self, number: str, now: datetime) -> Operators | NotAllowed:
        """One try of this operator taken as wrong before the password is looked at, so that no guess is free.

        Kept before the comparison and taken back by `recognised` after a right one, as a card does with its PIN.
        """
        if (operator := self.find(number)) is None:
            return NotAllowed(Refusal.PASSWORD_WRONG, number)
        if wait := operator.wait(now):
            return NotAllowed(Refusal.HELD_BACK, number, -(-wait // timedelta(seconds=1)))
        return self.with_one(replace(operator, wrong=operator.wrong + 1, wrong_at=now))

    def recognised(self, number: str) -> Operators:
        """The tries of this operator given back: the password was right."""
        operator = self.find(number)
        return self if operator is None else self.with_one(replace(operator, wrong=0, wrong_at=None))


def new_operator(
    number: str, name: str, right: Right, password: Password, random_bytes: RandomBytes
) -> Operator | NotAllowed:
    """Somebody nobody knew before, with a password that may be a new one.

    Raises:
        FormatError: number or name are none.
    """
    objection = objection_to_password(password, number)
    return objection or Operator(number, name, right, hash_of(password, random_bytes))


def objection_to_password(password: Password, number: str) -> NotAllowed | None:
    """What speaks against `password` as a new one for that operator, None if nothing does."""
    if not password.is_long_enough():
        return NotAllowed(Refusal.PASSWORD_TOO_SHORT, number)
    if password.is_guessable(number):
        return NotAllowed(Refusal.PASSWORD_GUESSABLE, number)
    return None


def is_password_of(operator: Operator | None, password: Password, random_bytes: RandomBytes) -> bool:
    """Whether this is that operator's password; of nobody it is none, after the time a look at one takes."""
    if operator is None:
        hash_of(password, random_bytes)
        return False
    return operator.password.matches(password)
