"""What is not read is named: file, line, column, the line itself, and what is the matter in both languages; never a PIN."""

import pytest

from sscard_terminal.lab.script.syntax import ScriptError
from tests.lab.foreign.telling import script


def error(text: str, format: str) -> ScriptError:
    with pytest.raises(ScriptError) as caught:
        script(text, format)
    return caught.value


@pytest.mark.parametrize(
    ("format", "text", "line", "column", "key"),
    [
        ("scriptor", "reset\n00 A4 0G 00", 2, 8, "hex"),
        ("scriptor", "00 A4 04 0", 1, 10, "odd"),
        ("scriptor", "00A4040", 1, 7, "odd"),
        ("scriptor", "00 84 00", 1, 1, "short"),
        ("scriptor", "00 84 00 00 \\\n", 1, 1, "unended"),
        ("scriptor", "preset the card", 1, 2, "substring"),
        ("scriptor", "EXITING", 1, 1, "substring"),
        ("scriptor-strict", "00 84  00 00", 1, 7, "one-blank"),
        ("scriptor-strict", " 00 84 00 00", 1, 1, "one-blank"),
        ("scriptor-strict", "00 84\t00 00", 1, 4, "pair"),
        ("scriptor-strict", "00 84 00 00 # no", 1, 13, "pair"),
        ("scriptor-strict", "0x00 84 00 00", 1, 1, "pair"),
        ("scriptor-strict", "00 84,00 00", 1, 4, "pair"),
        ("scriptor-strict", "00840\\\n000", 1, 6, "continuation-lost"),
        ("apdutool", "powerup;\nopen 1;", 2, 1, "refused"),
        ("apdutool", "select A000;", 1, 1, "refused"),
        ("apdutool", "  #define X 1\n", 1, 3, "refused"),
        ("apdutool", "#include <a>\n", 1, 1, "refused"),
        ("apdutool", "0x00 0xA4", 1, 1, "semicolon"),
        ("apdutool", "0x00 0xA4 4 0 2 1;", 1, 15, "lc"),
        ("apdutool", "0x00 0xA4 4 0 256;", 1, 15, "number-range"),
        ("apdutool", "0x00 A4 4 0;", 1, 6, "number"),
        ("apdutool", 'echo "a;\n', 1, 6, "quote"),
        ("apdutool", "delay soon;", 1, 1, "arguments"),
        ("apdutool", "dance;", 1, 1, "command"),
        ("jcardsim", 'powerup;\necho "a";', 2, 1, "jcardsim-word"),
        ("jcardsim", "0x00 0x84 0x00 0x00 0x08;", 1, 1, "jcardsim-six"),
        ("jcardsim", "0X00 0x84 0x00 0x00 0x00 0x08;", 1, 1, "jcardsim-hex"),
        ("jcshell", "/atr\nset-key 255/1/DES-ECB/404142", 2, 1, "refused"),
        ("jcshell", "init-update 255", 1, 1, "refused"),
        ("jcshell", "/card -a A000", 1, 7, "refused"),
        ("jcshell", "/send ${head}00", 1, 7, "variable"),
        ("jcshell", "/send 00A4040#00", 1, 13, "odd"),
        ("jcshell", "/set-var a 00A40400050\n/send ${a}", 2, 7, "odd"),
        ("jcshell", "/send 00#(01", 1, 9, "length"),
        ("jcshell", "/select", 1, 8, "aid"),
        ("jcshell", "/sleep long", 1, 8, "arguments"),
        ("jcshell", "/sing", 1, 1, "command"),
        ("opensc-explorer", "cd 3F00\nls", 2, 1, "refused"),
        ("opensc-explorer", "mkdir DF01 100", 1, 1, "refused"),
        ("opensc-explorer", "update 0015 0 41", 1, 1, "ambiguous"),
        ("opensc-explorer", "c 3F00", 1, 1, "ambiguous"),
        ("opensc-explorer", "cd ..", 1, 4, "above-mf"),
        ("opensc-explorer", "cd 3F0", 1, 4, "fid"),
        ("opensc-explorer", "verify CHV1", 1, 1, "pin-pad"),
        ("opensc-explorer", "verify KEY2 00", 1, 8, "pin-type"),
        ("opensc-explorer", "update_record EF05 1 2 41", 1, 22, "record-offset"),
        ("opensc-explorer", "random 0", 1, 8, "between"),
        ("opensc-explorer", 'echo "a', 1, 6, "quote"),
        ("opensc-explorer", "apdu" + " 00" * 260, 1, 783, "words"),
        ("opensc-tool", "opensc-tool -a", 1, 13, "refused"),
        ("opensc-tool", "opensc-tool -s 00:A4:0", 1, 22, "odd"),
        ("opensc-tool", "opensc-tool -s", 1, 13, "arguments"),
        ("etsi", "CMD 00 A4 XX 00", 1, 11, "command-mask"),
        ("etsi", "CMD 00 A4 00 00 [6F", 1, 17, "bracket"),
        ("etsi", "CMD 00 A4 00 00 [6G]", 1, 19, "mask"),
        ("etsi", "CMD 00 A4 \\\n 00 00 (90)", 2, 9, "word"),
        ("etsi", "CMD 00 A4 00 00 (9000) x", 1, 24, "etsi-after"),
        ("etsi", "RST\nON", 2, 1, "refused"),
        ("etsi", "CMD 00 A4 00 00 \\", 1, 1, "unended"),
        ("pysim", "reset\nselect MF/EF.ICCID", 2, 1, "refused"),
        ("pysim", "verify_chv --pin-code 1234", 1, 1, "refused"),
        ("pysim", "apdu 00840000 | grep 90", 1, 15, "refused"),
        ("pysim", "apdu 00840000 --expect-sw 90", 1, 27, "word"),
        ("pysim", "apdu 00840000 --expect-response-regex '^6(f|2)'", 1, 42, "regex"),
        ("pysim", "apdu 00840000 --expect-response-regex '^6f.*00'", 1, 43, "regex"),
        ("pysim", "apdu 00840000 --expect-response-regex '^6f0$'", 1, 40, "regex-odd"),
        ("pysim", "apdu --expect-sw 9000", 1, 1, "arguments"),
        ("apdu4j", "# ATR: 3B00\n00A4\n", 2, 1, "short"),
        ("apdu4j", "# ATR: 3B0\n", 1, 10, "odd"),
        ("apdu4j", "00A40000\n90\n", 2, 1, "answer-short"),
        ("jcshell-transcript", " <= 90 00", 1, 2, "answer-first"),
        ("jcshell-transcript", " => 00 A4", 1, 5, "short"),
        ("jcshell-transcript", " => none", 1, 5, "hex"),
    ],
)
def test_what_is_not_read_is_named_with_its_place(
    format: str, text: str, line: int, column: int, key: str
) -> None:
    found = error(text, format)

    assert (found.key, found.at.file, found.at.line, found.at.column) == (
        f"foreign-{key}",
        "f",
        line,
        column,
    )
    assert found.shown == text.split("\n")[line - 1] or "*" in found.shown
    assert found.sentence("en") != found.sentence("zh")


def test_a_refused_command_is_told_by_name() -> None:
    assert "set-key" in error("set-key 255/1/DES-ECB/40", "jcshell").sentence("en")
    assert "select" in error("select MF", "pysim").sentence("zh")
    assert "#define" in error("#define A 1", "apdutool").sentence("en")


def test_a_broken_transcript_of_scriptor_is_named_with_its_line() -> None:
    found = error("Using T=0 protocol\n< 90 00 : Normal processing.", "scriptor-transcript")

    assert (found.key, found.at.line, found.shown) == ("transcript", 2, "< 90 00 : Normal processing.")


@pytest.mark.parametrize(
    ("format", "text", "shown"),
    [
        ("scriptor", "00 20 00 00 04 27 18 28 1Z", "00 20 00 00 ** ** ** ** **"),
        ("scriptor", "0020000004271828 1", "00200000******** *"),
        ("scriptor", "80 5E 00 00 04 27 18 28 1Z", "80 5E 00 00 ** ** ** ** **"),
        ("scriptor", "O0 20 00 00 04 27 18 28 18", "O0 20 00 00 ** ** ** ** **"),
        ("scriptor", "84 24 00 00 04 27 18 28 1", "84 24 00 00 ** ** ** ** *"),
        ("scriptor-strict", "00 20 00 00 04 27  18 28 18", "00 20 00 00 ** **  ** ** **"),
        (
            "apdutool",
            "0x00 0x20 0x00 0x00 4 0x27 0x18 0x28 0x1Z;",
            "0x00 0x20 0x00 0x00 * **** **** **** *****",
        ),
        ("apdutool", "0 32 0 0 4 27 18 28 300 0;", "0 32 0 0 * ** ** ** *** **"),
        ("jcshell", "/send 00200000042718281", "/send 00200000*********"),
        ("jcshell", "/set-var pin", "/set-var pin"),
        ("opensc-explorer", "verify CHV1 27:18:28:1", "verify **** **********"),
        ("opensc-explorer", "change CHV1 2718281", "change **** *******"),
        ("opensc-explorer", 'unbl CHV1 2718281 ""', "unbl **** ******* **"),
        (
            "opensc-tool",
            "opensc-tool -s 00:20:00:00:04:27:18:28:1",
            "opensc-tool -s 00:20:00:00**************",
        ),
        ("etsi", "CMD 00 20 00 00 04 27 18 28 18 (9000)x", "CMD 00 20 00 00 ** ** ** ** ** *******"),
        ("pysim", "verify_chv --pin-code 27182818", "verify_chv ********** ********"),
        ("pysim", "apdu 0020000004271828181", "apdu 00200000***********"),
        ("apdu4j", "0020000004271828181", "00200000***********"),
    ],
)
def test_a_line_is_shown_without_its_pin(format: str, text: str, shown: str) -> None:
    found = error(text, format)

    assert found.shown == shown
    assert len(found.shown) == len(text)
    for language in ("en", "zh"):
        assert "2718" not in found.sentence(language) and "27 18" not in found.sentence(language)


def test_a_pin_on_a_continued_line_is_not_shown_either() -> None:
    found = error("00 20 00 00 04 \\\n 27 18 28 1Z", "scriptor")

    assert found.at.line == 2
    assert found.shown == " ** ** ** **"


def test_the_lines_a_report_shows_hide_pins_too() -> None:
    found = script('echo a\nverify CHV1 "2718"\napdu 00 20 00 00 04 27 18 28 18\n', "opensc-explorer")

    assert found.lines == ("echo a", "verify **** ******", "apdu 00 20 00 00 ** ** ** ** **", "")
