"""Text in a printer's own characters: nothing is lost silently, and no line gets longer or shorter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sscard_terminal.terminal.slips.charsets import Charset, encoded, replacement
from sscard_terminal.terminal.slips.layout import columns, printable


@pytest.mark.parametrize(
    ("text", "charset", "data", "lost"),
    [
        ("药店1", "gb18030", "D2A9B5EA31", ""),
        ("𠮷", "gb18030", "9534B235", ""),
        ("㐀", "gb18030", "8139EE39", ""),
        ("龴", "gb18030", "FE59", ""),
        ("·—€", "gb18030", "A1A4A1AAA2E3", ""),
        ("镕", "gbk", "E946", ""),
        ("𠮷", "gbk", "A1FE", "𠮷"),
        ("㐀𠮷㐀", "gbk", "A1FEA1FEA1FE", "㐀𠮷"),
        ("·—", "gb2312", "A1A4A1AA", ""),
        ("镕药", "gb2312", "A1FED2A9", "镕"),
        ("ｱ", "gbk", "3F", "ｱ"),
        ("e\u0301", "gbk", "65", "\u0301"),
    ],
)
def test_text_in_the_characters_a_printer_has(text: str, charset: str, data: str, lost: str) -> None:
    """Bytes of GB 18030-2022, where 龴 (U+9FB4) has become FE59, and of GBK."""
    found = encoded(text, Charset(charset))

    assert (found.data.hex().upper(), found.lost) == (data, lost)


@settings(deadline=None)
@given(st.text(), st.sampled_from(list(Charset)))
def test_every_character_is_printed_or_named_as_lost(text: str, charset: Charset) -> None:
    shown = printable(text)

    found = encoded(shown, charset)

    kept = [char for char in shown if char not in found.lost]
    assert encoded("".join(kept), charset).lost == ""
    assert all(columns(replacement(char)) == columns(char) for char in found.lost)
    if charset is Charset.GB18030:
        assert found.lost == ""
