"""The counter on a text terminal: draws views, takes keys, keeps the till's work in one thread of its own.

Not here: what a key means (clerk.py) and what a view says (view.py). The one room of prompt_toolkit.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import BeforeInput, ConditionalProcessor, PasswordProcessor
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from sscard_terminal.terminal.errands import LOOK_EVERY_S

from .clerk import Clerk, Key
from .view import View

STYLE = {
    "banner": "reverse",
    "training": "bg:ansiyellow fg:ansiblack",
    "state": "bold",
    "state.good": "bold fg:ansigreen",
    "state.bad": "bold fg:ansired",
    "state.doubt": "bold bg:ansired fg:ansiwhite",
    "state.busy": "bold fg:ansicyan",
    "keys": "reverse",
}
Watch = Callable[[Callable[[bool], None], threading.Event], None]
_WORD = re.compile(r"[⺀-￯][，。；：、？！）”]*\s*|[^\s⺀-￯]+[，。；：、？！）”]*\s*|\s+")
"""What is not broken at the end of a line: a word, a Chinese character with the mark behind it."""
MOST_TYPED = 64
"""Characters of a typed line; nothing that is asked for is longer."""


class Keyboard:
    """One session. `make_clerk` is called in the working thread, where the journal is opened and used."""

    def __init__(
        self,
        make_clerk: Callable[[Callable[[View], None]], Clerk],
        banner: str,
        keys: str,
        more: Callable[..., str],
        *,
        training: bool = False,
        colours: bool = True,
    ) -> None:
        self._view = View(state="", secret=True)
        self._above = 0
        self._clerk: Clerk | None = None
        self._make_clerk = make_clerk
        self._banner, self._keys, self._more, self._training = banner, keys, more, training
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="till")
        self._typed = Buffer(accept_handler=self._entered, multiline=False)
        self._application: Application[None] = Application(
            layout=Layout(self._rows(), focused_element=self._typed),
            key_bindings=self._bindings(),
            style=Style.from_dict(STYLE if colours else {}),
            full_screen=True,
        )

    def run(self, watch: Watch | None = None, close: Callable[[], None] = lambda: None) -> None:
        """Until Ctrl-C or F12. `watch` tells, in a thread of its own, when a card comes and goes; `close` ends, in
        the working thread, what `make_clerk` opened.

        Raises: what `make_clerk` raises.
        """
        over = threading.Event()
        errands = threading.Thread(target=self._send_on_errands, args=(over,), daemon=True)
        try:
            self._clerk = self._worker.submit(self._make_clerk, self._show).result()
            self._do(lambda clerk: clerk.publish())
            errands.start()
            if watch is not None:
                threading.Thread(target=watch, args=(self._card, over), daemon=True).start()
            self._application.run()
        finally:
            over.set()
            if errands.is_alive():
                errands.join()
            self._worker.submit(close)
            self._worker.shutdown(wait=True)  # a sale that has begun is brought to its end

    def _rows(self) -> HSplit:
        secret = Condition(lambda: self._view.secret)
        line = BufferControl(
            self._typed,
            input_processors=[
                ConditionalProcessor(
                    PasswordProcessor("●"), secret
                ),  # before the prompt, which is to be read
                BeforeInput(lambda: f"{self._view.prompt} > "),
            ],
        )
        return HSplit(
            [
                Window(FormattedTextControl(self._banner_line), height=lambda: len(self._banner_lines())),
                Window(FormattedTextControl(self._state_line), height=lambda: len(self._state_lines())),
                Window(FormattedTextControl(lambda: "\n".join(self._shown_lines()))),
                Window(line, height=1),
                Window(FormattedTextControl(self._key_line), height=lambda: len(self._key_lines())),
            ]
        )

    @property
    def _columns(self) -> int:
        return self._application.output.get_size().columns

    def _banner_lines(self) -> list[str]:
        return folded(f" {self._banner} ", self._columns)

    def _state_lines(self) -> list[str]:
        """The one large line, with air above and below."""
        return ["", *folded(self._view.state, self._columns), ""]

    def _key_lines(self) -> list[str]:
        """Every key in full, on as many lines as that takes."""
        return joined((f" {key} " for key in self._keys.strip().split("  ")), self._columns)

    def _room(self) -> int:
        """Lines between the state and what is typed."""
        taken = len(self._banner_lines()) + len(self._state_lines()) + 1 + len(self._key_lines())
        return max(2, self._application.output.get_size().rows - taken)

    def _shown_lines(self) -> list[str]:
        """As much as there is room for, from where the clerk has turned to; the last line then says that there is more."""
        lines, room = (
            [part for line in self._view.lines for part in folded(line, self._columns)],
            self._room(),
        )
        if len(lines) <= room:
            return lines
        self._above = max(0, min(self._above, len(lines) - (room - 1)))
        shown = lines[self._above : self._above + room - 1]
        first, last = self._above + 1, self._above + len(shown)
        return [*shown, self._more(first=first, last=last, count=len(lines))]

    def _banner_line(self) -> StyleAndTextTuples:
        return [("class:training" if self._training else "class:banner", "\n".join(self._banner_lines()))]

    def _state_line(self) -> StyleAndTextTuples:
        tone = f"class:state.{self._view.tone}" if self._view.tone else "class:state"
        return [(tone, "\n".join(self._state_lines()))]

    def _key_line(self) -> StyleAndTextTuples:
        return [("class:keys", "\n".join(self._key_lines()))]

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        for key in Key:
            bindings.add(str(key), eager=True)(self._pressed(key))
        for ending in ("c-c", "f12"):
            bindings.add(ending)(lambda event: event.app.exit())
        for key_of_page, pages in (("pageup", -1), ("pagedown", 1)):
            bindings.add(key_of_page, eager=True)(self._turned(pages))
        return bindings

    def _turned(self, pages: int) -> Callable[[KeyPressEvent], None]:
        def turn(_event: KeyPressEvent) -> None:
            self._above = max(0, self._above + pages * (self._room() - 1))

        return turn

    def _pressed(self, key: Key) -> Callable[[KeyPressEvent], None]:
        def press(_event: KeyPressEvent) -> None:
            self._typed.reset()
            self._hide()
            self._do(lambda clerk: clerk.press(key))

        return press

    def _entered(self, typed: Buffer) -> bool:
        """False: the line is emptied, and being secret or not, it is kept in no history."""
        line = typed.text[:MOST_TYPED]
        self._hide()
        self._do(lambda clerk: clerk.enter(line))
        return False

    def _hide(self) -> None:
        """Until the clerk has said what is asked next nothing typed can be read: it may be a PIN, keyed early."""
        self._view = replace(self._view, secret=True)

    def _card(self, present: bool) -> None:
        self._do(lambda clerk: clerk.card(present))

    def _do(self, act: Callable[[Clerk], None]) -> None:
        """One thing after the other; whatever goes wrong in one that has no sentence ends the session."""
        clerk = self._clerk
        assert clerk is not None
        self._worker.submit(act, clerk).add_done_callback(self._ended_badly)

    def _ended_badly(self, done: Future[None]) -> None:
        error = done.exception()
        if error is not None and self._application.loop is not None:
            self._application.loop.call_soon_threadsafe(lambda: self._application.exit(exception=error))

    def _send_on_errands(self, over: threading.Event) -> None:
        """At the start and again and again; what is due, and whether nobody is being served, the clerk knows."""
        while not over.is_set():
            self._do(self._see_to_errands)
            over.wait(LOOK_EVERY_S)

    def _see_to_errands(self, clerk: Clerk) -> None:
        """Step by step: what a person does meanwhile comes between."""
        if clerk.see_to_errands():
            with suppress(RuntimeError):  # the session is over; the rest waits for the next one
                self._do(self._see_to_errands)

    def _show(self, view: View) -> None:
        if view.beeps and not self._view.beeps:
            self._application.output.bell()
        if view.lines != self._view.lines:
            self._above = 0
        self._view = view
        self._application.invalidate()


def folded(line: str, columns: int) -> list[str]:
    """`line` on as many lines as it needs, broken between words; one that fits stays as it is, blanks and all."""
    return [line] if get_cwidth(line) <= columns else joined(_WORD.findall(line), columns)


def joined(pieces: Iterable[str], columns: int) -> list[str]:
    """`pieces` side by side, a new line where the next one does not fit; never empty."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and get_cwidth((lines[-1] + piece).rstrip()) > columns:
            lines.append("")
        lines[-1] += piece
    return lines
