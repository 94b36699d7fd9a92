"""Settings: config/*.toml and STREAMS_… environment become one frozen `Settings`; anything unknown or wrong stops the start.

The sections are in settings_types.py (re-exported here), the way from files and variables to values in settings_sources.py,
what keys mean to each other in settings_rules.py. Import from this module.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from streams.settings_rules import Problem, problems
from streams.settings_sources import SettingsError, environment_layers, file_layer, key_name, masked, merge, missing, nested
from streams.settings_types import (
    Agents,
    App,
    Band,
    Board,
    Detect,
    Engine,
    Events,
    Forecast,
    Hours,
    Ingest,
    Intake,
    Journey,
    Kafka,
    Kpi,
    Maintenance,
    Merge,
    Names,
    Privacy,
    Publish,
    Quiet,
    Recommend,
    Settings,
    Shortage,
    Staffing,
    Threshold,
    Topics,
    Worker,
)

__all__ = [
    "Agents",
    "App",
    "Band",
    "Board",
    "Detect",
    "Engine",
    "Events",
    "Forecast",
    "Hours",
    "Ingest",
    "Intake",
    "Journey",
    "Kafka",
    "Kpi",
    "Loaded",
    "Maintenance",
    "Merge",
    "Names",
    "Privacy",
    "Publish",
    "Quiet",
    "Recommend",
    "Settings",
    "SettingsError",
    "Shortage",
    "Staffing",
    "Threshold",
    "Topics",
    "Worker",
    "builtin",
    "fingerprint",
    "load",
    "load_with_origins",
]

DEFAULTS = "default"  # what messages and `check-config` call config/default.toml


class Loaded(NamedTuple):
    """Settings, and for each key ('kafka.sasl_username') the name of the layer that its value comes from."""

    settings: Settings
    origins: dict[str, str]


def load(paths: Sequence[Path], environ: Mapping[str, str]) -> Settings:
    """Defaults, then `paths` in order, then STREAMS_… of `environ`; SettingsError lists all that is wrong, a line each."""
    return load_with_origins(paths, environ).settings


def load_with_origins(paths: Sequence[Path], environ: Mapping[str, str]) -> Loaded:
    """As `load`, with the origin of each key."""
    defaults = file_layer(builtin("default.toml"), DEFAULTS)
    variables, wrong_variables = environment_layers(environ, Settings)
    merged, wrong_values = merge([defaults, *(file_layer(path, str(path)) for path in paths), *variables], Settings)
    tree = nested(merged.values, Settings)
    gaps = [f"{key_name(path)} has no value: give it one beside the others of its section" for path in missing(tree, Settings)]
    _refuse([*wrong_variables, *wrong_values] or gaps)
    settings = msgspec.convert(tree, Settings)
    _refuse([_with_origins(problem, merged.origins) for problem in problems(settings)])
    return Loaded(settings, {".".join(path): name for path, name in merged.origins.items()})


def builtin(name: str) -> Path:
    """A file of config/ that travels with the program: within the installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    installed = here / "config" / name
    return installed if installed.is_file() else here.parent / "config" / name


def fingerprint(settings: Settings) -> str:
    """12 hex digits that are equal exactly when two workers run with the same settings; addresses count, passwords don't."""
    table = {
        section: {key: masked((section, key), value) for key, value in values.items()}
        for section, values in msgspec.to_builtins(settings).items()
    }
    table["app"]["worker"] = ""  # differs between workers by design
    return hashlib.sha256(msgspec.json.encode(table, order="deterministic")).hexdigest()[:12]


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise SettingsError("\n".join(problems))


def _with_origins(problem: Problem, origins: Mapping[tuple[str, ...], str]) -> str:
    paths = [tuple(path.split(".")) for path in problem.paths]
    names = " and ".join(f"{key_name(path)} ({origins.get(path, DEFAULTS)})" for path in paths)
    return f"{names}: {problem.expected}"
