"""The counter on a text terminal: draws views, takes keys, keeps the till's work in one thread of its own.

Not here: what a key means (clerk.py) and what a view says (view.py). The one room of prompt_toolkit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import BeforeInput, ConditionalProcessor, PasswordProcessor
from prompt_toolkit.styles import Style

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
MOST_TYPED = 64
"""Characters of a typed line; nothing that is asked for is longer."""


class Keyboard:
    """One session. `make_clerk` is called in the working thread, where the journal is opened and used."""

    def __init__(
        self,
        make_clerk: Callable[[Callable[[View], None]], Clerk],
        banner: str,
        keys: str,
        *,
        training: bool = False,
        colours: bool = True,
    ) -> None:
        self._view = View(state="")
        self._clerk: Clerk | None = None
        self._make_clerk = make_clerk
        self._banner, self._keys, self._training = banner, keys, training
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
                BeforeInput(lambda: f"{self._view.prompt} > "),
                ConditionalProcessor(PasswordProcessor("●"), secret),
            ],
        )
        return HSplit(
            [
                Window(FormattedTextControl(self._banner_line), height=1),
                Window(height=1),
                Window(FormattedTextControl(self._state_line), height=3, wrap_lines=True),
                Window(FormattedTextControl(lambda: "\n".join(self._view.lines)), wrap_lines=True),
                Window(line, height=1),
                Window(FormattedTextControl([("class:keys", self._keys)]), height=1),
            ]
        )

    def _banner_line(self) -> StyleAndTextTuples:
        return [("class:training" if self._training else "class:banner", f" {self._banner} ")]

    def _state_line(self) -> StyleAndTextTuples:
        return [(f"class:state.{self._view.tone}" if self._view.tone else "class:state", self._view.state)]

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        for key in Key:
            bindings.add(str(key), eager=True)(self._pressed(key))
        for ending in ("c-c", "f12"):
            bindings.add(ending)(lambda event: event.app.exit())
        return bindings

    def _pressed(self, key: Key) -> Callable[[KeyPressEvent], None]:
        def press(_event: KeyPressEvent) -> None:
            self._typed.reset()
            self._do(lambda clerk: clerk.press(key))

        return press

    def _entered(self, typed: Buffer) -> bool:
        """False: the line is emptied, and being secret or not, it is kept in no history."""
        line = typed.text[:MOST_TYPED]
        self._do(lambda clerk: clerk.enter(line))
        return False

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
        self._view = view
        self._application.invalidate()
