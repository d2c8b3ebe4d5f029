"""Why an assertion about a card failed, in words: what it answered, what was expected, and where the bytes differ.

Not here: the words of commands and status words (voice/apdus, iso7816/status).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from sscard_terminal.iso7816.apdu import ResponseApdu
from sscard_terminal.iso7816.status import Language, StatusWord
from sscard_terminal.reader.transcript import Exchange, Octets, Transcript
from sscard_terminal.voice.apdus import Telling
from sscard_terminal.voice.messages import text

BYTES_A_LINE = 16


def difference(op: str, left: object, right: object, language: Language) -> list[str] | None:
    """The lines pytest shows for `left op right`; None where it is no business of ours."""
    match op, left, right:
        case "==", ResponseApdu(), ResponseApdu():
            return _of_answers(left, right, language)
        case "==", StatusWord(), int():
            return [_two_words(left, right, language)]
        case "==", int(), StatusWord():
            return [_two_words(right, left, language)]
        case "!=", StatusWord(), int():
            return [text(language, "plugin.sw-not", sw=_told(left, language))]
        case (("in" | "not in"), StatusWord(), _):
            return _of_choice(op, left, right, language)
        case "==", Transcript(), Transcript():
            return difference_of_transcripts(left, right, language)
    return None


def difference_of_transcripts(said: Transcript, expected: Transcript, language: Language) -> list[str]:
    """The first exchange that differs, with what was said before it and the words beside; empty where none does."""
    telling = Telling(language)
    if said.atr and expected.atr and said.atr != expected.atr:
        return [
            text(language, "plugin.atr-differs"),
            *_both_sides(language, Octets(tuple(said.atr)), Octets(tuple(expected.atr))),
        ]
    telling.powered(said.atr)
    for number, (here, there) in enumerate(zip_longest(said.exchanges, expected.exchanges), 1):
        if here is None or there is None:
            key = "plugin.conversation-short" if here is None else "plugin.conversation-long"
            rest = there if here is None else here
            return [text(language, key, number=number), f"> {rest.command}  # {_asks(telling, rest)}"]
        lines = list(_of_exchange(number, here, there, telling, language))
        if lines:
            return lines
        _says(telling, here.answer)
    return []


def _of_exchange(
    number: int, said: Exchange, expected: Exchange, telling: Telling, language: Language
) -> Iterator[str]:
    asks = _asks(telling, said)
    if not _fits(said.command, expected.command):
        wanted = Telling(language)
        wanted.powered(b"")
        yield text(language, "plugin.command-differs", number=number)
        yield f"> {said.command}  # {asks}"
        yield text(
            language, "plugin.expected", what=f"> {expected.command}  # {_asks(wanted, expected)}"
        ).rstrip()
        yield from _marks(said.command, expected.command)
    elif not _fits(said.answer, expected.answer) or said.link != expected.link:
        yield text(language, "plugin.answer-differs", number=number)
        yield f"> {said.command}  # {asks}"
        yield f"< {_shown(said)}  # {_says(telling, said.answer)}"
        yield text(language, "plugin.expected", what=f"< {_shown(expected)}")
        if said.answer is not None and expected.answer is not None:
            yield from _marks(said.answer, expected.answer)


def _of_answers(got: ResponseApdu, expected: ResponseApdu, language: Language) -> list[str]:
    lines = [_two_words(got.sw, expected.sw, language)]
    if got.sw == expected.sw:
        lines = [text(language, "plugin.data-differ", sw=_told(got.sw, language))]
    if got.data != expected.data:
        lines += [text(language, "plugin.lengths", got=len(got.data), expected=len(expected.data))]
        lines += _both_sides(language, Octets(tuple(got.data)), Octets(tuple(expected.data)))
    return lines


def _of_choice(op: str, got: StatusWord, choice: object, language: Language) -> list[str] | None:
    try:
        words = [StatusWord(word) for word in choice]  # type: ignore[attr-defined]  # anything may stand there
    except (TypeError, ValueError):
        return None
    listed = ", ".join(_told(word, language) for word in words)
    key = "plugin.sw-differs" if op == "in" else "plugin.sw-not"
    return [text(language, key, sw=_told(got, language), expected=listed)]


def _two_words(got: StatusWord, expected: int, language: Language) -> str:
    if not 0 <= expected <= 0xFFFF:
        return text(language, "plugin.sw-differs", sw=_told(got, language), expected=expected)
    wanted = _told(StatusWord(expected), language)
    return text(language, "plugin.sw-differs", sw=_told(got, language), expected=wanted)


def _told(sw: StatusWord, language: Language) -> str:
    return f"{sw} ({sw.meaning(language)})"


def _both_sides(language: Language, got: Octets, expected: Octets) -> list[str]:
    """Line by line, the nibbles that differ marked below."""
    lines = []
    for at in range(0, max(len(got), len(expected)), BYTES_A_LINE):
        here, there = _part(got, at), _part(expected, at)
        if not _fits(here, there):
            lines += [f"{at:04X}  {_spaced(here)}", f"      {_marked(here, there)}"]
            lines += [text(language, "plugin.expected", what=f"{at:04X}  {_spaced(there)}")]
    return lines


def _marks(got: Octets, expected: Octets) -> Iterator[str]:
    signs = "".join(
        " " if a == b or "*" in (a, b) else "^" for a, b in zip_longest(str(got), str(expected), fillvalue="")
    )
    yield f"  {signs.rstrip()}"


def _part(octets: Octets, at: int) -> Octets:
    return Octets(octets.values[at : at + BYTES_A_LINE])


def _spaced(octets: Octets) -> str:
    whole = str(octets)
    return " ".join(whole[at : at + 2] for at in range(0, len(whole), 2))


def _marked(got: Octets, expected: Octets) -> str:
    pairs = zip_longest(_spaced(got), _spaced(expected), fillvalue="")
    return "".join(" " if a == b or "*" in (a, b) else "^" for a, b in pairs).rstrip()


def _fits(got: Octets | None, expected: Octets | None) -> bool:
    """Equal, a masked byte on either side fitting any."""
    if got is None or expected is None:
        return got is expected
    return len(got) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(got.values, expected.values, strict=True)
    )


def _shown(exchange: Exchange) -> str:
    return f"link: {exchange.link}" if exchange.answer is None else str(exchange.answer)


def _asks(telling: Telling, exchange: Exchange) -> str:
    return telling.command(_bytes_of(exchange.command)).says


def _says(telling: Telling, answer: Octets | None) -> str:
    return telling.answer(None if answer is None else _bytes_of(answer)).says


def _bytes_of(octets: Octets) -> bytes:
    return bytes(0 if octet is None else octet for octet in octets.values)
