"""Finding card and PSAM among PC/SC readers: over a private pcscd, with cards in its slots."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sscard_terminal.card.vpicc import Card, serving
from sscard_terminal.reader.pcsc import card_present, open_reader, wait_for_card
from sscard_terminal.reader.private_pcscd import PrivatePcscd, Slot
from tests.cards import new_card, new_psam
from tests.cli.conftest import Sscard, sscard_process

pytestmark = pytest.mark.vpcd
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
Insert = Callable[..., list[Slot]]


class StrangeCard:
    """A card that knows no command at all."""

    def atr(self) -> bytes:
        return bytes.fromhex("3B021450")

    def power_on(self) -> bytes:
        return self.atr()

    def reset(self) -> bytes:
        return self.atr()

    def power_off(self) -> None:
        pass

    def respond(self, command: bytes) -> bytes:
        return bytes.fromhex("6D00")


@pytest.fixture
def insert(pcscd: PrivatePcscd) -> Iterator[Insert]:
    """Puts cards into the first slots, and nothing into the others; returns the slots."""
    with ExitStack() as stack:
        deadline = time.monotonic() + 5
        while any(card_present(slot.reader) for slot in pcscd.slots) and time.monotonic() < deadline:
            time.sleep(0.02)  # the cards of the test before are on their way out

        def put(*cards: Card) -> list[Slot]:
            slots = list(pcscd.slots[: len(cards)])
            for card, slot in zip(cards, slots, strict=True):
                stack.enter_context(serving(card, slot.port, open_socket=pcscd.open_socket))
            assert all(wait_for_card(slot.reader, 5) for slot in slots)
            return slots

        yield put


def test_readers_tells_what_is_in_each(insert: Insert, sscard: Sscard) -> None:
    insert(new_psam(), new_card(), StrangeCard())

    rows = sscard("readers", "--json").json["readers"]
    told = sscard("readers", "--lang", "zh").out

    assert [row["content"] for row in rows[:4]] == ["psam", "card", "other", "empty"]
    assert rows[0]["terminal"] == "370900000001"
    assert rows[1]["atr"] == "3B6D000000815431328660370900000002"
    assert "社会保障卡，ATR 3B6D" in told


def test_the_psam_is_found_by_its_terminal_number_wherever_it_is(insert: Insert, sscard: Sscard) -> None:
    insert(new_psam(), new_card(balance=5000))

    done = sscard("balance", "--pin-stdin", "--json", stdin="123456\n")

    assert (done.code, done.json["account_fen"]) == (0, 5000)


def test_a_part_of_a_readers_name_is_enough(insert: Insert, sscard: Sscard) -> None:
    insert(new_psam(), new_card())

    assert sscard("read", "--reader", "a 00 01", "--psam-reader", "A 00 00").code == 0
    assert sscard("read", "--reader", "a 00 01").code == 0
    assert sscard("read", "--psam-reader", "a 00 00").code == 0


@LANGUAGES
@pytest.mark.parametrize(
    ("cards", "arguments", "code", "zh", "en"),
    [
        ((), (), 3, "读卡器中都没有卡，未扣款", "no card in any reader; not charged"),
        ((new_card,), (), 3, "没有 PSAM，未扣款", "no PSAM in any other reader; not charged"),
        ((new_psam,), (), 3, "读卡器中都没有卡，未扣款", "no card in any reader; not charged"),
        ((new_psam, new_card, new_card), (), 2, "有多张卡", "several cards"),
        ((new_psam, StrangeCard), (), 1, "这不是社会保障卡，未扣款", "no social security card; not charged"),
        ((), ("--reader", "Acme"), 3, "没有读卡器 Acme，未扣款", "no reader Acme; not charged"),
        ((), ("--reader", "Virtual"), 2, "有多个读卡器名为 Virtual", "Several readers are called Virtual"),
        ((new_psam,), ("--reader", "A 00 01"), 3, "读卡器中没有卡，未扣款", "no card in the reader; not charged"),
        ((new_card,), ("--reader", "A 00 00"), 3, "没有 PSAM，未扣款", "no PSAM in any other reader"),
    ],
)  # fmt: skip
def test_what_is_missing_is_one_sentence(
    cards: tuple[Callable[[], Card], ...],
    arguments: tuple[str, ...],
    code: int,
    zh: str,
    en: str,
    language: str,
    insert: Insert,
    sscard: Sscard,
) -> None:
    insert(*(card() for card in cards))

    done = sscard("read", *arguments, "--lang", language)

    assert done.code == code
    assert (zh if language == "zh" else en) in done.sentence


@LANGUAGES
def test_a_card_another_program_holds_is_busy(language: str, insert: Insert, sscard: Sscard) -> None:
    slots = insert(new_card(), new_psam())
    other = open_reader(slots[0].reader, exclusive=True)

    done = sscard("read", "--lang", language)
    listed = sscard("readers", "--json").json["readers"][0]
    found = sscard("doctor", "--json").json["findings"]
    other.close()

    assert done.code == 3
    assert (
        "卡正被另一程序占用，未扣款" if language == "zh" else "Another program holds the card; not charged"
    ) in done.sentence
    assert (listed["content"], listed["problem"]) == ("trouble", "reader-busy")
    assert "reader-busy" in [finding["finding"] for finding in found]


@pytest.mark.parametrize(
    ("command", "language"),
    [(("readers",), "zh"), (("read",), "en"), (("debit", "--account", "1", "--pin-stdin"), "zh")],
)
def test_without_a_service_every_command_says_so(
    command: tuple[str, ...], language: str, tmp_path: Path
) -> None:
    nowhere = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "nowhere"), "XDG_STATE_HOME": str(tmp_path)}

    done = sscard_process(*command, "--lang", language, **nowhere)

    assert done.code == 3
    assert (
        "智能卡服务未运行，未扣款" if language == "zh" else "service is not running; not charged"
    ) in done.sentence
