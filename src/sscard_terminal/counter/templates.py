"""Pages from their templates: words of one language filled in, everything else escaped.

Not here: what a page shows once it runs (view.py). The one room of Jinja2.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from sscard_terminal.iso7816.status import Language
from sscard_terminal.voice.pages import word

from .desk import Desk

HERE = Path(__file__).parent
STATIC = HERE / "static"
LOCALES = {"zh": "zh-CN", "en": "en"}
_environment = Environment(
    loader=FileSystemLoader(HERE / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(name: str, language: Language, desk: Desk, **facts: Any) -> HTMLResponse:
    """The page of that template. In it `word(key)` is a word, `place` the shop's name, `training` whether nothing is real,
    `simulator` whether it has the drawer, `has_window` whether there is a service window."""
    configuration = desk.fittings.configuration
    text = _environment.get_template(name).render(
        word=partial(word, language),
        locale=LOCALES[language],
        language=language,
        place=configuration.place,
        training=configuration.training,
        simulator=desk.drawer is not None,
        has_window=desk.fittings.has_window,
        **facts,
    )
    return HTMLResponse(text)
