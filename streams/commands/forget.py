"""`streams forget`: a customer's journey is deleted. What was counted stays: sums hold nobody's name.

The surprise: it needs the key under which customers are hashed, and prints the hashed name only.
"""

import sys
from typing import Annotated

import typer

from streams.commands.options import ConfigOption, load
from streams.core.errors import StreamsError

LEFT = """What this can't delete: the topics {interactions}, {rejected} and {late} hold events as they came, until their
retention ends; {contacts} holds the hashed name for a day; intake knows it until {linger_minutes} minutes after a contact's end.
A contact that is under way, or comes later, begins a new journey. Counts stay, without a name."""


def forget(
    customer: Annotated[str, typer.Option(help="The customer_id as your systems give it; - reads it from standard input.")],
    config: ConfigOption = None,
) -> None:
    """Delete what journey keeps of a customer, and say what can't be deleted."""
    from streams.core.customer import pseudonym
    from streams.edge.forgetting import send_tombstone  # heavy
    from streams.rules import customer_key

    settings = load(config)
    customer_id = sys.stdin.readline().rstrip("\n") if customer == "-" else customer
    if not customer_id:
        raise StreamsError("no customer: give --customer ID, or --customer - and the id on standard input")
    name = pseudonym(customer_id, customer_key(settings))
    send_tombstone(settings, name)
    typer.echo(f"journey forgets customer {name} (hashed) as soon as a worker reads this.")
    topics = settings.topics
    places = {"interactions": topics.interactions, "rejected": topics.rejected, "late": topics.late, "contacts": topics.contacts}
    typer.echo(LEFT.format(**places, linger_minutes=settings.intake.linger_minutes))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(forget)
