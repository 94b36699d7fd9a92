"""A file of contacts as a feed: what replay sends and backtest plays through."""

from collections.abc import Iterator
from pathlib import Path

from streams.core.errors import StreamsError
from streams.sources.formats import check_format, read_feed
from streams.sources.mapping import FileMapping, load_mapping
from streams.sources.row import Feed


def feed_of(file: Path, file_format: str, mapping_file: Path | None) -> Feed:
    """The events of a file in order of time; StreamsError where it can't be read that way."""
    check_format(file_format, mapping_file is not None)
    mapping: FileMapping | None = None
    if mapping_file is not None:
        mapping = load_mapping("".join(_lines(mapping_file)), str(mapping_file))
    return read_feed(_lines(file), file_format, mapping, str(file))


def _lines(file: Path) -> Iterator[str]:
    """Lines of a UTF-8 text file, with or without byte order mark; what is wrong with it becomes one line for people."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield from lines
    except FileNotFoundError as error:
        raise StreamsError(f"{file}: no such file.") from error
    except OSError as error:
        raise StreamsError(f"{file}: can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise StreamsError(f"{file}: not UTF-8 text (byte {error.start} of a block). Convert it, e.g. by iconv.") from error
