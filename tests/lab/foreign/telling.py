"""A sample of fixtures/scripts read and told: its statements as our language writes them, their places, its remarks."""

from pathlib import Path

from sscard_terminal.lab.foreign.formats import read_foreign
from sscard_terminal.lab.script.syntax import Script
from sscard_terminal.lab.script.write import written

SAMPLES = Path(__file__).parents[3] / "fixtures/scripts"


def script(text: str, format: str) -> Script:
    found = read_foreign(text, "f", format)
    assert found is not None
    return found


def sample(name: str, format: str = "") -> Script:
    return script((SAMPLES / name).read_bytes().decode(), format or name.partition("/")[0])


def told(found: Script) -> list[str]:
    """One line a statement; the blanks before an arrow folded into one."""
    head, *lines = written(found).splitlines()
    assert head == "#! sscard 1"
    return [" ".join(line.split()) for line in lines]


def lines(found: Script) -> list[int]:
    return [statement.at.line for statement in found.statements]


def remarks(found: Script) -> list[tuple[int, int, str]]:
    for remark in found.remarks:
        assert remark.sentence("zh") != remark.sentence("en")
    return [(remark.at.line, remark.at.column, remark.key) for remark in found.remarks]
