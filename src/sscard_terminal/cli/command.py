"""click's commands taught our two languages, and the options every command has.

Not here: any command. Kept light: `sscard --help` loads it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import click

from sscard_terminal.voice.messages import text, text_or

from .console import Console

LANGUAGES = ("zh", "en")
_CLICK_PARAMS = "__click_params__"
"""Where click's decorators collect options, the innermost first, until `click.command` takes them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One call of one command: where it speaks, and which readers and files it was told."""

    console: Console
    reader: str | None = None
    psam_reader: str | None = None
    trace: str | None = None
    config: str | None = None
    hotlist: str | None = None
    training: bool = False
    no_pad: bool = False


def console_of(context: click.Context | None = None) -> Console:
    """The console of this run; English prose where click is used without one (a bare `--help` in a test)."""
    found = (context or click.get_current_context()).find_object(Console)
    return found or Console("en", as_json=False)


class BadValue(click.UsageError):
    """A value on the command line is wrong; `key` names the sentence, `facts` fill it in."""

    def __init__(self, key: str, **facts: object) -> None:
        super().__init__(key)
        self.key = key
        self.facts = facts


class LanguageName(click.ParamType[str]):
    """zh or en; taken by language.py before, only checked here."""

    name = "zh|en"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in LANGUAGES:
            raise BadValue("usage.language", value=value)
        return str(value)


class _Formatter(click.HelpFormatter):
    """click's formatter with headings of ours."""

    console: Console

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix if prefix is not None else self.console.text("help.usage"))


class LocalContext(click.Context):
    """A context whose help speaks the console's language."""

    def make_formatter(self) -> click.HelpFormatter:
        formatter = _Formatter(width=self.terminal_width, max_width=self.max_content_width or 110)
        formatter.console = console_of(self)
        return formatter


class _Local:
    """What commands and groups share: help, options and examples from the catalogue."""

    def told(self, ctx: click.Context, kind: str) -> str:
        """The catalogue's text of this kind for this command; "" where there is none."""
        return text_or(console_of(ctx).language, f"{kind}.{_path(ctx)}")

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]  # click.Command's
        return [console_of(ctx).text("help.options-metavar"), *pieces[1:]]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for paragraph in self.told(ctx, "help").split("\n\n"):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(paragraph)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = list(_option_rows(self.get_params(ctx), ctx))  # type: ignore[attr-defined]
        if rows:
            with formatter.section(console_of(ctx).text("help.options")):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if examples := self.told(ctx, "examples"):
            with formatter.section(console_of(ctx).text("help.examples")):
                for line in examples.splitlines():
                    formatter.write(" " * formatter.current_indent + line + "\n")


class LocalCommand(_Local, click.Command):
    """A command whose words are in the catalogue."""

    context_class = LocalContext


class LocalGroup(_Local, click.Group):
    """A group whose words are in the catalogue."""

    context_class = LocalContext

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        language = console_of(ctx).language
        prefix = f"{_path(ctx)} ".removeprefix("sscard ")
        rows = [(name, text(language, f"short.{prefix}{name}")) for name in self.list_commands(ctx)]
        with formatter.section(text(language, "help.commands")):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            known = ", ".join(self.list_commands(ctx))
            raise BadValue("usage.no-such-command", command=args[0], known=known)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


class LazyGroup(LocalGroup):
    """A group that imports a command only when it runs; `commands_at`: name → module and attribute, below cli/."""

    commands_at: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_at:
            return None
        module, attribute = self.commands_at[cmd_name].split(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), attribute)
        return command


def _path(ctx: click.Context) -> str:
    """The command as typed without the program: "card new"; "sscard" for the program itself."""
    names = []
    while ctx.parent is not None:
        names.append(ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(reversed(names)) or "sscard"


def _option_rows(params: list[click.Parameter], ctx: click.Context) -> Iterator[tuple[str, str]]:
    language, path = console_of(ctx).language, _path(ctx)
    for param in params:
        name = "help" if "--help" in param.opts else param.name
        words = text_or(language, f"option.{path}.{name}") or text_or(language, f"option.{name}")
        if isinstance(param, click.Argument):
            yield param.make_metavar(ctx), words
        elif (record := param.get_help_record(ctx)) is not None:
            yield record[0], words


def language_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--json and --lang; both are looked for before click parses (language.py, main.py)."""
    for option in (
        click.option("--lang", metavar="zh|en", type=LanguageName(), expose_value=False),
        click.option("--json", "as_json", is_flag=True, expose_value=False),
    ):
        function = option(function)
    return function


def service(
    name: str, *, uses_readers: bool = True, has_trace: bool = True, has_settings: bool | None = None
) -> Callable[[Callable[..., int]], LocalCommand]:
    """Make a function `(run, own options) -> Exit` a command with the options all commands have.

    Where the command `uses_readers` not, or `has_trace` or `has_settings` not, these options are accepted and not shown: they have
    nothing to say there.
    """

    def decorate(function: Callable[..., int]) -> LocalCommand:
        @functools.wraps(function)
        def call(**given: Any) -> int:
            common = {
                name: given.pop(name)
                for name in ("reader", "psam_reader", "trace", "config", "hotlist", "training")
            }
            no_pad = given.pop("no_pad", False)  # only commands that ask for a PIN have it (pins.pin_option)
            return function(Run(console_of(), **common, no_pad=no_pad), **given)

        own_params = call.__dict__.pop(_CLICK_PARAMS, [])
        decorated = language_options(call)
        has_journal = any("--journal" in param.opts for param in own_params)
        decorated = click.option("--training", is_flag=True, hidden=not has_journal)(decorated)
        decorated = click.option("--trace", metavar="FILE", hidden=not has_trace)(decorated)
        for option in ("--hotlist", "--config"):
            variable = "SSCARD_CONFIG" if option == "--config" else None
            hidden = not (uses_readers if has_settings is None else has_settings)
            decorated = click.option(option, metavar="FILE", envvar=variable, hidden=hidden)(decorated)
        for option in ("--psam-reader", "--reader"):
            decorated = click.option(option, metavar="NAME", hidden=not uses_readers)(decorated)
        decorated.__dict__[_CLICK_PARAMS].extend(own_params)  # the outermost, so that help shows them first
        return click.command(name, cls=LocalCommand)(decorated)

    return decorate
