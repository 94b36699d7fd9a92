"""A worker without Kafka, run as a process of its own: what Faust does with services, signals and failures at start and end.

contract_worker.py DIRECTORY [fail-at-start | fail-in-agent | fail-in-task]; prints one word per line, as things happen.
"""

import asyncio
import sys
from collections.abc import AsyncIterable
from pathlib import Path

from mode import Service

from streams.core.errors import StreamsError
from streams.engine.app import make_app, run, service_of


class Telling(Service):
    """Tells when it starts and stops; fails where asked to."""

    def __init__(self, name: str, failure: str) -> None:
        super().__init__()
        self._name = name
        self._failure = failure

    async def on_start(self) -> None:
        """Started."""
        if self._failure == "fail-at-start":
            raise StreamsError("not at start")
        print(f"{self._name}-starts", flush=True)  # noqa: T201  # what the test reads
        self.add_future(self._task())

    async def on_stop(self) -> None:
        """Stopped; says whether it was a crash."""
        print(f"{self._name}-stops{'-crashed' * self.crashed}", flush=True)  # noqa: T201  # what the test reads

    async def _task(self) -> None:
        try:
            while not self.should_stop:
                if self._failure == "fail-in-task":
                    raise StreamsError("not in a task")
                await self.sleep(1_000)
        finally:
            print(f"{self._name}-ends", flush=True)  # noqa: T201  # what the test reads


def main() -> None:
    """Run until terminated."""
    directory, failure = sys.argv[1], (sys.argv[2:] or [""])[0]
    app = make_app("contract", Path(directory))
    for name, fails in (("one", failure), ("two", "")):
        service_of(app, Telling(name, fails))
    channel = app.channel(maxsize=0)

    async def agent(values: AsyncIterable[int]) -> None:
        print("agent-starts", flush=True)  # noqa: T201  # what the test reads
        if failure == "fail-in-agent":
            raise StreamsError("not in an agent")
        try:
            async for _ in values:
                await asyncio.sleep(0)
        finally:
            print("agent-ends", flush=True)  # noqa: T201  # what the test reads

    app.agent(channel, name="agent")(agent)
    try:
        run(app)
    except StreamsError as error:
        sys.exit(f"worker: {error}")
    print("over", flush=True)  # noqa: T201  # what the test reads


if __name__ == "__main__":
    main()
