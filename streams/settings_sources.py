"""Where settings come from: TOML files and STREAMS_… environment, merged key by key, each key with its origin.

Everything is flattened to paths, ('kafka', 'sasl_username'), because merging, looking up and reporting are all done key by key.
What may be set is read off the settings types; this module knows none of them by name. All problems are reported at once.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from math import isfinite
from pathlib import Path as FilePath
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import inspect

from streams.core.errors import StreamsError

PREFIX = "STREAMS_"

Path = tuple[str, ...]


class SettingsError(StreamsError):
    """A setting that can't be used: file or variable, key, what was found, what is expected."""


class Layer(NamedTuple):
    """One source of settings: what to call it in messages, and its values by path."""

    name: str
    values: dict[Path, Any]


class Merged(NamedTuple):
    """All layers in one: values by path, and the name of the layer each one comes from."""

    values: dict[Path, Any]
    origins: dict[Path, str]


def file_layer(path: FilePath, name: str) -> Layer:
    """A TOML file as a layer; SettingsError if it isn't there, can't be read or isn't TOML."""
    try:
        with path.open("rb") as file:
            return Layer(name, dict(_flatten((), tomllib.load(file))))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path}: no such file; `--config` expects a TOML file with the sections of config/default.toml"
        ) from error
    except OSError as error:
        raise SettingsError(f"{path}: can't be read ({error.strerror}); `--config` expects a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from error


def environment_layers(environ: Mapping[str, str], root: type) -> tuple[list[Layer], list[str]]:
    """STREAMS_<SECTION>_<KEY> variables, one layer each (so that messages name the variable), and what is wrong with them."""
    layers: list[Layer] = []
    problems: list[str] = []
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        section, _, key = variable.removeprefix(PREFIX).lower().partition("_")
        kind = type_at(root, (section, key))
        if section in _free_tables(root):
            problems.append(f"{variable}: [{section}] can be set in a file only, because its keys have free names")
            continue
        if kind is None:
            problems.append(f"{variable}: is not a setting{_variable_hint(variable, _variables(root))}")
            continue
        try:
            value = _parse(environ[variable], kind)
        except ValueError:
            problems.append(_wrong(variable, (section, key), environ[variable], kind))
            continue
        layers.append(
            Layer(variable, dict(_flatten((section, key), value)) if isinstance(value, dict) else {(section, key): value})
        )
    return layers, problems


def merge(layers: Iterable[Layer], root: type) -> tuple[Merged, list[str]]:
    """Later layers win key by key; each key is checked on its own against its type. Second: what is wrong, one line each."""
    merged = Merged({}, {})
    problems: list[str] = []
    for layer in layers:
        for path, value in layer.values.items():
            problem = check(layer.name, path, value, root)
            if problem:
                problems.append(problem)
            elif value != {}:
                merged.values[path] = value
                merged.origins[path] = layer.name
    return merged, problems


def check(name: str, path: Path, value: Any, root: type) -> str | None:
    """What is wrong with one value of one layer, as a line for people; None if nothing is."""
    for depth in range(1, len(path) + 1):
        if type_at(root, path[:depth]) is None:
            known = sorted(_keys(type_at(root, path[: depth - 1]) or root))
            if depth > 1 and not known:
                return _wrong(name, path[: depth - 1], {}, type_at(root, path[: depth - 1]))
            what = f"section [{path[0]}]" if depth == 1 else f"key {key_name(path[:depth])}"
            return f"{name}: {what} is not known{_hint(path[depth - 1], known)}"
    kind = type_at(root, path)
    if _is_table(kind) and value == {}:
        return None
    try:
        converted = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return _wrong(name, path, value, kind)
    return _wrong(name, path, value, kind) if isinstance(converted, float) and not isfinite(converted) else None


def nested(values: Mapping[Path, Any], root: type) -> dict[str, Any]:
    """Values by path as the tables they came from; tables that may be empty are there in any case."""
    tree: dict[str, Any] = {}
    for path in _tables((), root):
        _into(tree, (*path, ""))
    for path, value in values.items():
        _into(tree, path)[path[-1]] = value
    return tree


def missing(tree: Mapping[str, Any], root: type) -> list[Path]:
    """Paths that have no value although their type demands one: a new band with half its keys, a default that was forgotten."""
    return [path for path in _leaves((), root, tree) if _value(tree, path) is None]


def type_at(root: Any, path: Path) -> Any:
    """The type of a path; None where no such path may be set."""
    kind: Any = root
    for key in path:
        kind = get_args(kind)[1] if get_origin(kind) is dict else _keys(kind).get(key)
        if kind is None:
            return None
    return kind


def key_name(path: Path) -> str:
    """A path as people write it: ('kafka', 'sasl_username') → '[kafka] sasl_username'."""
    return f"[{'.'.join(path[:-1])}] {path[-1]}" if len(path) > 1 else f"[{path[0]}]"


def masked(path: Path, value: Any) -> Any:
    """A value as it may be shown: passwords and secrets never, addresses without the password in them."""
    if _is_secret(path):
        return "***" if value else value
    if isinstance(value, list | tuple):
        return [masked(path, item) for item in value]
    if isinstance(value, str) and "@" in value:
        scheme, separator, rest = value.rpartition("://")
        return f"{scheme}{separator}***@{rest.rpartition('@')[2]}"
    return value


def _is_secret(path: Path) -> bool:
    return path[-1].endswith(("password", "_key", "secret")) or "secrets" in path


def meant(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a hint for people, '' if none is near: 'Europe/Berln' → '; did you mean Europe/Berlin?'."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _flatten(prefix: Path, table: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flatten((*prefix, key), value)
        else:
            yield (*prefix, key), value


def _into(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    return tree


def _value(tree: Mapping[str, Any], path: Path) -> Any:
    node: Any = tree
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _keys(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {}


def _is_table(kind: Any) -> bool:
    return get_origin(kind) is dict or bool(_keys(kind))


def _free_tables(root: Any) -> set[str]:
    """Sections whose keys are free names (bands): an environment variable can't say where the name ends."""
    return {key for key, kind in _keys(root).items() if get_origin(kind) is dict}


def _tables(prefix: Path, kind: Any) -> Iterator[Path]:
    for key, child in _keys(kind).items():
        if _is_table(child):
            yield (*prefix, key)
            yield from _tables((*prefix, key), child)


def _leaves(prefix: Path, kind: Any, tree: Mapping[str, Any]) -> Iterator[Path]:
    children = dict.fromkeys(_value(tree, prefix) or {}, get_args(kind)[1]) if get_origin(kind) is dict else _keys(kind)
    for key, child in children.items():
        if _is_table(child):
            yield from _leaves((*prefix, key), child, tree)
        else:
            yield (*prefix, key)


def _variables(root: Any) -> list[str]:
    free = _free_tables(root)
    return [f"{PREFIX}{s}_{k}".upper() for s, kind in _keys(root).items() if s not in free for k in _keys(kind)]


def _parse(text: str, kind: Any) -> Any:
    """A variable's text as a value of its type; ValueError (tomllib's is one) where it can't be."""
    info = inspect.type_info(kind)
    if isinstance(info, inspect.IntType):
        return int(text)
    if isinstance(info, inspect.FloatType):
        return float(text)
    if isinstance(info, inspect.VarTupleType):
        return [item.strip() for item in text.split(",") if item.strip()]
    if isinstance(info, inspect.DictType):
        table = tomllib.loads(f"table = {text}")
        if table.keys() != {"table"} or not isinstance(table["table"], dict):
            raise ValueError("not one inline table")
        return table["table"]
    return text


def _hint(word: str, known: Iterable[str]) -> str:
    return meant(word, known) or "; `streams check-config` lists what there is"


def _variable_hint(variable: str, known: Iterable[str]) -> str:
    """Compared without the prefix, which makes everything look alike. While it is set nothing works, nor does check-config."""
    near = meant(variable.removeprefix(PREFIX), [name.removeprefix(PREFIX) for name in known])
    return near.replace("mean ", f"mean {PREFIX}") or "; unset it: `streams check-config` then lists what there is"


def _wrong(name: str, path: Path, value: Any, kind: Any) -> str:
    found = "a value that is not shown" if _is_secret(path) else f"{masked(path, value)!r}"
    return f"{name}: {key_name(path)} is {found}, expected {_expected(inspect.type_info(kind))}"


def _expected(info: inspect.Type) -> str:
    match info:
        case inspect.IntType():
            return "a whole number" + _limits(info)
        case inspect.FloatType():
            return "a number" + _limits(info)
        case inspect.StrType(pattern=str()):
            return "a text of letters, digits, '.', '_' and '-'"
        case inspect.StrType():
            return "a text"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f'"{value}"' for value in values)
        case inspect.VarTupleType(item_type=item):
            return f"a list, each {_expected(item)}"
        case inspect.DictType(value_type=item) if not isinstance(item, inspect.StructType):
            return f"a table, name = {_expected(item)}"
    return "a table"


def _limits(info: inspect.IntType | inspect.FloatType) -> str:
    words = {"above": info.gt, "at least": info.ge, "below": info.lt, "at most": info.le}
    stated = [f"{word} {limit}" for word, limit in words.items() if limit is not None]
    return " " + " and ".join(stated) if stated else ""
