"""What `streams replay --rejected` does: refused records sent in again, with a progress bar, and said how many."""

from typing import TYPE_CHECKING

import typer

from streams.commands.sending import bar
from streams.core.errors import StreamsError

if TYPE_CHECKING:
    from streams.settings import Settings


def resend_rejected(settings: "Settings", *, alone: bool) -> None:
    """Send refused records again; StreamsError unless `alone`: what is asked for beside it would have no effect."""
    from streams.edge.resend import resending  # heavy

    if not alone:
        raise StreamsError("--rejected sends what was refused, as it came: give neither FILE nor other options with it.")
    with resending(settings) as resend, bar("replay rejected", None) as (progress, task):
        resent = resend(lambda n: progress.advance(task, n))
    total = sum(resent.sent.values())
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(resent.sent.items()))
    typer.echo(f"{total:,} rejected records sent to '{settings.topics.interactions}' again" + (f": {reasons}" if reasons else ""))
    if resent.refused:
        typer.echo(f"{resent.refused:,} payloads are refused still, and kept for next time", err=True)
    if resent.left_out:
        typer.echo(f"{resent.left_out:,} left out: empty, too long to have been kept whole, or not from intake", err=True)
