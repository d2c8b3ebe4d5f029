"""The settings a command runs with: the file of --config or SSCARD_CONFIG, and what the command line says over it.

Not here: the settings themselves (terminal/configuration.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click
from click.core import ParameterSource

from sscard_terminal.terminal.configuration import Configuration, ConfigurationError, parse_configuration
from sscard_terminal.terminal.hotlist import HotlistTrouble
from sscard_terminal.terminal.policy import Policy
from sscard_terminal.terminal.sale_rules import SaleRules

from .command import BadValue, Run
from .console import Console
from .details import detail_in
from .exits import Exit, Stop


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, and what was made of it with the hotlist of this moment."""

    configuration: Configuration
    policy: Policy
    rules: SaleRules


def settings_of(run: Run) -> Settings:
    """The settings of this run; from here on its console speaks the configured language, unless told another.

    Raises:
        Stop: the configuration or the hotlist is wrong; nothing is done without them.
        OSError: a file cannot be read.
    """
    configuration = configuration_of(run)
    if run.hotlist is not None:
        if configuration.hotlist_key is None:
            raise BadValue("usage.hotlist-key")
        configuration = replace(configuration, hotlist=Path(run.hotlist))
    try:
        hotlist = configuration.read_hotlist()
    except HotlistTrouble as trouble:
        raise wrong_hotlist(trouble) from trouble
    except FileNotFoundError as error:
        if run.hotlist is not None:
            raise
        raise Stop(Exit.REFUSED, "hotlist.missing", file=configuration.hotlist) from error
    return Settings(configuration, configuration.policy(hotlist), configuration.sale_rules(hotlist))


def configuration_of(run: Run) -> Configuration:
    """The configuration alone, with no hotlist looked at, training switched on where --training does; otherwise as `settings_of`."""
    configuration = Configuration() if run.config is None else _read(Path(run.config), run.console)
    if configuration.language is not None and not _was_told_language():
        run.console.language = configuration.language
    if not (run.training or configuration.training):
        return configuration
    run.console.enter_training()
    return replace(configuration, training=True)


def wrong_hotlist(trouble: HotlistTrouble) -> Stop:
    return Stop(Exit.REFUSED, f"hotlist.{trouble.fault}", file=trouble.path, line=trouble.line or None)


def _read(file: Path, console: Console) -> Configuration:
    try:
        return parse_configuration(file.read_text(encoding="utf-8"), file.parent)
    except UnicodeDecodeError as error:
        raise Stop(Exit.USAGE, "file.not-text", file=file) from error
    except ConfigurationError as error:
        detail = detail_in(console.language, error.problem)
        if not error.setting:
            raise Stop(Exit.USAGE, "config.no-toml", file=file, detail=detail) from error
        if not error.line:
            raise Stop(
                Exit.USAGE, "config.missing", file=file, setting=error.setting, detail=detail
            ) from error
        raise Stop(
            Exit.USAGE, "config.wrong", file=file, line=error.line, setting=error.setting, detail=detail
        ) from error


def _was_told_language() -> bool:
    context = click.get_current_context(silent=True)
    while context is not None:
        if context.get_parameter_source("lang") is ParameterSource.COMMANDLINE:
            return True
        context = context.parent
    return False
