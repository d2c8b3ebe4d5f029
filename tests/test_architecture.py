"""Reads every import of the product and says so when a wall of docs/style.md part 2 is broken; it runs none of it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {"iso7816", "cardspec", "reader"}
# What each area may import besides itself. Down only, and the three machines of floor 3 never see each other.
MAY_IMPORT = {
    "": set(),
    "iso7816": set(),
    "cardspec": {"iso7816"},
    "reader": {"iso7816"},
    "card": {"iso7816", "cardspec"},
    "applets": {"iso7816", "cardspec", "card"},
    "centre": {"iso7816", "cardspec"},
    "terminal": GROUND,
    "voice": GROUND | {"terminal"},
    "counter": GROUND | {"terminal", "card", "applets", "centre", "voice"},
    "driver": GROUND | {"terminal", "card", "applets", "centre", "voice"},
    "lab": GROUND | {"terminal", "card", "applets", "centre", "voice"},
    "cli": GROUND | {"terminal", "card", "applets", "centre", "voice", "counter", "driver", "lab"},
}
# What plays a Connection must know what one is.
EXCEPTIONS = {
    ("card/loopback.py", "reader.connection"),
    ("card/loopback_slot.py", "reader.connection"),
}
# Each guest has one room: the paths (or beginnings of paths) where a module from outside may be imported.
ROOMS = {
    "click": ("cli/",),
    "construct": ("cardspec/layouts", "iso7816/"),
    "escpos": ("terminal/slips/ticket.py",),
    "cryptography": ("cardspec/ciphers.py", "cardspec/signatures.py", "centre/hsm.py"),
    "fastapi": ("counter/", "centre/api"),
    "jinja2": ("counter/templates.py",),
    "lark": ("lab/script/",),
    "pydantic": ("counter/", "centre/api"),
    "pytest": ("lab/pytest_plugin/",),
    "reportlab": ("terminal/slips/pdf.py",),
    "prompt_toolkit": ("cli/counter/keyboard.py", "cli/explorer/prompt.py"),
    "smartcard": ("reader/pcsc.py", "reader/pinpad.py"),
    "socket": (
        "card/vpicc.py",
        "card/control/link.py",
        "reader/private_pcscd/",
        "terminal/slips/printers.py",
        "counter/serving.py",
    ),
    "sqlalchemy": ("centre/",),
    "starlette": ("counter/", "centre/api"),
    "uvicorn": ("counter/serving.py",),
}
OWN = {"sscard_terminal", "sscard_applets"}


def source_files() -> dict[str, Path]:
    """Every source file by its place in the house: `card/vpicc.py`, `applets/psam/commands.py`."""
    product = ROOT / "src" / "sscard_terminal"
    files = {path.relative_to(product).as_posix(): path for path in product.rglob("*.py")}
    return files | {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "applets").rglob("*.py")}


def imports(place: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of each import, `from x import y` as `x.y`, relative ones resolved."""
    package = f"sscard_{place}" if place.startswith("applets/") else f"sscard_terminal/{place}"
    parents = package.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def broken_wall(place: str, name: str) -> str | None:
    """The sentence for an import that breaks a wall, or None."""
    top, _, rest = name.partition(".")
    area = place.partition("/")[0] if "/" in place else ""
    if top not in OWN:
        rooms = ROOMS.get(top)
        if rooms is None and top not in sys.stdlib_module_names:
            return f"{top} is a guest without a room; give it one in tests/test_architecture.py"
        return (
            None if rooms is None or place.startswith(rooms) else f"{top} lives in {' and '.join(rooms)} only"
        )
    target = "applets" if top == "sscard_applets" else rest.partition(".")[0]
    if target in {"", area} or target in MAY_IMPORT.get(area, set()):
        return None
    if any(place == here and rest.startswith(there) for here, there in EXCEPTIONS):
        return None
    return f"{area or 'the package root'} may not import {target}"


def broken_walls(place: str, source: str) -> list[str]:
    found = ((line, broken_wall(place, name)) for line, name in imports(place, ast.parse(source)))
    return [f"{place}:{line}: {sentence}" for line, sentence in found if sentence]


def test_every_import_stays_within_its_walls() -> None:
    files = source_files()

    broken = [
        sentence for place, path in files.items() for sentence in broken_walls(place, path.read_text("utf-8"))
    ]
    homeless = {place.partition("/")[0] for place in files if "/" in place} - MAY_IMPORT.keys()

    assert not broken, "\n".join(broken)
    assert not homeless, f"no floor is known for {', '.join(sorted(homeless))}; see docs/style.md part 2"


@pytest.mark.parametrize(
    ("place", "line", "wall"),
    [
        ("reader/pcsc.py", "from sscard_terminal.cardspec import ciphers", "reader may not import cardspec"),
        ("terminal/client.py", "from sscard_terminal import card", "terminal may not import card"),
        ("card/chip.py", "from ..reader.pcsc import open_reader", "card may not import reader"),
        ("card/chip.py", "import sscard_applets.psam", "card may not import applets"),
        (
            "applets/psam/commands.py",
            "import sscard_terminal.terminal.psam",
            "applets may not import terminal",
        ),
        (
            "terminal/client.py",
            "import socket",
            "socket lives in card/vpicc.py and card/control/link.py and reader/private_pcscd/ and terminal/slips/printers.py and counter/serving.py only",
        ),
        ("card/chip.py", "import requests", "requests is a guest without a room"),
    ],
)
def test_a_broken_wall_is_named_with_file_and_line(place: str, line: str, wall: str) -> None:
    sentences = broken_walls(place, f"import os\n{line}\n")

    assert len(sentences) == 1
    assert sentences[0].startswith(f"{place}:2: {wall}")


def test_loopback_may_know_what_a_connection_is() -> None:
    assert not broken_walls("card/loopback.py", "from sscard_terminal.reader.connection import Connection\n")
