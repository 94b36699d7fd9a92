"""Does an alert name its cause? Simulations in which one issue of one region causes the excess: `make bench-contribution`.

No server; two minutes. Prints the table of README.md.
"""

import typer
from contribution_world import run

WORLDS = 20
RATES = (30.0, 100.0)
EXCESSES = (0.5, 1.0)


def main() -> None:
    """Run and print, a line per rate and excess."""
    typer.echo("| contacts/min | excess | it fired | one alert | cause first at once | and at last | fired after the end |")
    typer.echo("|---|---|---|---|---|---|---|")
    for rate in RATES:
        for excess in EXCESSES:
            found = [run(seed, rate, excess) for seed in range(WORLDS)]
            fired = [one for one in found if one.rises]
            shares = (
                len(fired) / WORLDS,
                sum(one.alerts == 1 for one in fired) / max(1, len(fired)),
                sum(one.ranks_first(0) for one in fired) / max(1, len(fired)),
                sum(one.ranks_first(-1) for one in fired) / max(1, len(fired)),
            )
            after = sum(one.after for one in found)
            typer.echo(f"| {rate:g} | +{excess:.0%} | {' | '.join(f'{share:.0%}' for share in shares)} | {after} of {WORLDS} |")


if __name__ == "__main__":
    typer.run(main)
