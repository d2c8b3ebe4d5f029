"""What a printer is sent: the library's commands, our bytes, each copy cut off."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from sscard_terminal.terminal.slips.charsets import Charset
from sscard_terminal.terminal.slips.contents import Heading, Mark, Note, Row, Title
from sscard_terminal.terminal.slips.ticket import ticket
from sscard_terminal.terminal.slips.trouble import SlipFault, SlipTrouble

SLIP = (Title("凭单"), Mark("一二三四五六七八九十"), Heading("甲"), Row("乙", "1.00"))


def library_printer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """python-escpos's own printer that only collects bytes; its import leaves a folder behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    from escpos.printer import Dummy

    return Dummy()


def test_a_ticket_is_what_the_library_itself_would_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = library_printer(tmp_path, monkeypatch)
    small: dict[str, Any] = {"custom_size": True, "width": 1, "height": 1, "bold": False, "align": "left"}
    printer.hw("INIT")
    printer._raw(b"\x1c&")
    for text, style in (
        ("凭单", {"width": 2, "height": 2, "align": "center"}),
        ("*** 一二三四五六七八九十 ***", {"width": 1, "height": 2, "align": "center"}),
        ("甲", {"width": 1, "height": 1, "align": "left"}),
    ):
        printer.set(custom_size=True, bold=True, **style)
        printer._raw(text.encode("gb18030") + b"\n")
        printer.set(**small)
    printer._raw(("乙" + " " * 26 + "1.00\n").encode("gb18030"))
    printer.cut()

    assert ticket(SLIP, 58).data == printer.output


def test_characters_outside_gbk_and_the_bmp_go_out_as_four_bytes() -> None:
    made = ticket((Note("𠮷野㐀药店"),), 58)

    assert bytes.fromhex("9534B235 D2B0 8139EE39 D2A9 B5EA 0A") in made.data
    assert b"?" not in made.data
    assert made.lost == ""


def test_a_printer_with_less_shows_a_mark_and_the_ticket_tells_what_is_lost() -> None:
    made = ticket((Note("𠮷野㐀药店"),), 58, Charset.GBK)

    assert bytes.fromhex("A1FE D2B0 A1FE D2A9 B5EA 0A") in made.data
    assert made.lost == "𠮷㐀"


def test_a_command_in_a_name_is_not_sent() -> None:
    made = ticket((Row("a", "b\x1bp\x00c\x10\x04"),), 58)

    assert b"\x1bp" not in made.data
    assert b"\x10" not in made.data


@pytest.mark.parametrize("copies", [1, 3])
def test_each_copy_starts_anew_and_is_cut_off(copies: int) -> None:
    data = ticket(SLIP, 80, copies=copies).data

    assert data.count(b"\x1b@\x1c&") == data.count(b"\x1bd\x06\x1dV\x00") == copies
    assert data == ticket(SLIP, 80).data * copies


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "escpos", None)

    with pytest.raises(SlipTrouble) as trouble:
        ticket(SLIP, 58)

    assert (trouble.value.fault, trouble.value.where) == (SlipFault.NO_LIBRARY, "python-escpos")
