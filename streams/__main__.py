"""The command line `streams`. This module owns how an error reaches a person: one or two lines and an exit code, no traceback."""

import signal
import sys

import typer
from rich.console import Console

from streams.commands import (
    ack,
    alerts,
    backtest,
    board,
    check_config,
    contracts,
    demo,
    forecast,
    forget,
    ingest,
    kpis,
    recommend,
    rejected,
    replay,
    simulate,
    staffing,
    topics,
    trends,
    worker,
)
from streams.core.errors import StreamsError

COMMANDS = (
    *(demo, worker, board, ingest, topics, simulate, replay),
    *(trends, alerts, kpis, rejected, forecast, staffing, recommend, backtest, ack, forget, contracts, check_config),
)


def build() -> typer.Typer:
    """The command line with all its commands; building it opens nothing."""
    app = typer.Typer(
        name="streams",
        help="See, live, what a contact centre's customers are doing. Start with `streams demo`.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in COMMANDS:
        command.register(app)
    return app


def main() -> None:
    """Run a command; a StreamsError becomes its message on stderr and exit code 1. SIGTERM ends it as Ctrl-C does, with 130.

    The services worker and board end with 0 when they are told to.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        build()()
    except StreamsError as error:
        Console(stderr=True, soft_wrap=True).print(f"streams: {error}", style="bold red", markup=False, highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
