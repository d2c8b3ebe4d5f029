"""Whatever a program hands in and whatever a card answers, a function ends in a code, never in an exception."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sscard_terminal.driver.addresses import parse_address, parse_data, written
from sscard_terminal.driver.driver import FUNCTIONS
from sscard_terminal.driver.parameters import CardInfo, PayInfo
from sscard_terminal.driver.result import Refused
from sscard_terminal.driver.values import shown, stored
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection
from tests.driver.doubles import Bench
from tests.terminal.doubles import NOON, Faulty

SIGNS = st.text(st.sampled_from("|$^:.0123456789ABCDEFSEDFxyz张\x00\ud800 \n"), max_size=80)
PATIENT = settings(deadline=None)
"""Other work may hold this machine up."""
SHARED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@PATIENT
@given(SIGNS)
def test_any_address_is_read_or_refused(text: str) -> None:
    try:
        addresses = parse_address(text)
    except Refused as refused:
        assert isinstance(refused.why, int)
    else:
        assert "".join(written(address, address.items) for address in addresses) == text


@PATIENT
@given(SIGNS, SIGNS)
def test_any_data_are_taken_in_the_addresss_shape_or_refused(address: str, data: str) -> None:
    try:
        parts = parse_data(data, parse_address(address))
    except Refused as refused:
        assert isinstance(refused.why, int)
    else:
        assert len(parts) == len(parse_address(address))


@PATIENT
@given(SIGNS)
def test_any_card_and_pay_information_is_read_or_refused(text: str) -> None:
    for parse in (CardInfo.parse, lambda value: PayInfo.parse(value, NOON)):
        try:
            assert parse(text) is not None  # type: ignore[operator]
        except Refused as refused:
            assert isinstance(refused.why, int)


@PATIENT
@given(st.sampled_from(["an", "cn", "b"]), st.binary(max_size=40))
def test_whatever_a_card_holds_can_be_shown_without_our_separators(kind: str, raw: bytes) -> None:
    assert not set(shown(kind, raw)) & set("|$^\n\r\0")  # type: ignore[arg-type]


@PATIENT
@given(st.sampled_from(["an", "cn", "b"]), SIGNS, st.integers(1, 40))
def test_what_is_stored_has_the_items_length_or_is_refused(kind: str, text: str, length: int) -> None:
    try:
        assert len(stored(kind, text, length)) == length  # type: ignore[arg-type]
    except Refused as refused:
        assert refused.why in (-41, -42)


@PATIENT
@given(st.text("ABCabc123张三李四", max_size=15))
def test_a_text_that_was_stored_is_shown_again(text: str) -> None:
    assert shown("an", stored("an", text, 60)) == text


@SHARED
@given(
    st.sampled_from(sorted(FUNCTIONS)),
    st.fixed_dictionaries(
        {},
        optional={
            "iType": st.integers(),
            "iAuthType": st.integers(),
            **dict.fromkeys(("pCardInfo", "pFileAddr", "pWriteData", "pPayInfo", "pKey"), SIGNS),
        },
    ),
)
def test_any_parameters_end_in_a_code(bench: Bench, name: str, given_: dict[str, object]) -> None:
    wanted = {parameter for parameter, _ in FUNCTIONS[name].parameters}
    parameters = {key: value for key, value in given_.items() if key in wanted}

    result = bench.driver.call(name, parameters)

    assert result.code <= 0
    assert result.code == 0 or result.out


class Babbling(Faulty):
    """From some command on the card answers whatever it likes."""

    def __init__(self, inner: Connection, after: int, words: list[bytes]) -> None:
        super().__init__(inner)
        self._after, self._words = after, words

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        self._after -= 1
        if self._after >= 0 or not self._words:
            return super().transmit(command)
        return ResponseApdu.parse(self._words.pop(0))


ANSWERS = st.one_of(
    st.binary(min_size=2, max_size=40),
    st.sampled_from(
        [
            bytes.fromhex(text)
            for text in ("9000", "6100", "6108", "6C05", "6982", "6A83", "63C2", "6983", "FF" * 30)
        ]
    ),
)


@SHARED
@given(
    st.sampled_from(
        [
            "iReadCardBas",
            "iReadCard",
            "iWriteCard",
            "iVerifyPIN",
            "iDoDebit",
            "iReadDebitRecord",
            "iUnblockPIN",
        ]
    ),
    st.integers(0, 25),
    st.lists(ANSWERS, max_size=12),
)
def test_any_card_ends_in_a_code(bench: Bench, name: str, after: int, words: list[bytes]) -> None:
    values = {
        "iType": 1,
        "iAuthType": 1,
        "pCardInfo": bench_info(bench),
        "pFileAddr": "DF04EF08|$" if name == "iReadCard" else "SSSEEF06|09|$",
        "pWriteData": "SSSEEF06|张三|$",
        "pPayInfo": "1.00|0.00|20260105101500|",
    }
    bench.clock.now = NOON
    bench.link = lambda inner: Babbling(inner, after, list(words))

    result = bench.driver.call(name, {key: values[key] for key, _ in FUNCTIONS[name].parameters})

    bench.link = None
    assert result.code <= 0
    assert bench.open_now == 0


def bench_info(bench: Bench) -> str:
    if bench.known is None:
        bench.learn()
    known = bench.known_card
    return f"{known.identification}|D2143569X|"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_no_function_leaves_a_card_open_when_the_driver_is_closed(bench: Bench, name: str) -> None:
    info = bench.learn()
    values = {"iType": 1, "iAuthType": 2, "pCardInfo": info, "pFileAddr": "DF04EF05|8F|$"}
    values |= {"pWriteData": "DF04EF05|1|$", "pPayInfo": "1.00|0.00|20260105101500|", "pKey": "00" * 16}

    bench.driver.call(name, {key: values[key] for key, _ in FUNCTIONS[name].parameters})
    bench.driver.close()

    assert bench.open_now == 0
