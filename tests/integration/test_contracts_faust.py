"""What the engine leans on in Faust and mode: each name says what breaks when a new version changes its ways.

The order of starts and stops is seen in a worker that runs as a process of its own, contract_worker.py.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterable, Callable, Iterator
from itertools import groupby
from pathlib import Path

import faust
import pytest
from mode import Service
from running import eventually

from streams.edge.embedded import end_with_parent
from streams.engine.app import make_app, service_of

pytestmark = pytest.mark.integration

SECONDS = 30.0  # generous: a shared machine may be busy
WORKER = Path(__file__).parent / "contract_worker.py"
FAILURES = ("fail-at-start", "fail-in-agent", "fail-in-task")


class Noting(Service):
    """Notes that it was started and stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    async def on_start(self) -> None:
        """Started."""
        self.noted.append("started")

    async def on_stop(self) -> None:
        """Stopped."""
        self.noted.append("stopped")


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until a condition holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


def listen(app: faust.App, channel: faust.ChannelT[int], name: str) -> list[int]:
    """An agent that collects what comes out of a channel."""
    got: list[int] = []

    async def agent(values: AsyncIterable[int]) -> None:
        async for value in values:
            got.append(value)  # noqa: PERF401  # the loop never ends

    app.agent(channel, name=name)(agent)
    return got


def test_what_is_put_on_a_channel_reaches_every_agent_in_order(tmp_path: Path) -> None:
    async def run() -> None:
        app = make_app("contract", tmp_path)
        channel = app.channel(maxsize=0)
        one, two = listen(app, channel, "one"), listen(app, channel, "two")
        await app.start()
        for number in range(100):
            asyncio.run_coroutine_threadsafe(channel.put(number), asyncio.get_running_loop())  # type: ignore[arg-type]  # takes any value
        await until(lambda: len(one) == len(two) == 100)
        await app.stop()
        assert one == two == list(range(100))

    asyncio.run(run())


def test_a_channel_is_suspended_until_flow_control_is_resumed(tmp_path: Path) -> None:
    async def run() -> None:
        app = make_app("contract", tmp_path)
        app.flow_control.suspend()
        channel = app.channel(maxsize=0)
        got = listen(app, channel, "one")
        await app.start()
        put = asyncio.ensure_future(channel.put(1))  # type: ignore[arg-type]  # takes any value
        await asyncio.wait([put], timeout=0.2)
        assert not put.done()
        app.flow_control.resume()
        await put
        await until(lambda: got == [1])
        await app.stop()

    asyncio.run(run())


def test_a_service_instance_starts_and_stops_with_the_app(tmp_path: Path) -> None:
    async def run() -> list[str]:
        app = make_app("contract", tmp_path)
        service = Noting()
        service_of(app, service)
        await app.start()
        await app.stop()
        return service.noted

    assert asyncio.run(run()) == ["started", "stopped"]


def test_an_exception_in_an_agent_crashes_every_service_before_the_loop_goes_on(tmp_path: Path) -> None:
    """Otherwise a flush could run between the exception and the crash, and write half a batch."""

    async def run() -> tuple[bool, bool]:
        app = make_app("contract", tmp_path)
        channel = app.channel(maxsize=0)
        service = Noting()
        service_of(app, service)
        seen: list[bool] = []

        async def agent(values: AsyncIterable[int]) -> None:
            async for _ in values:
                asyncio.get_running_loop().call_soon(lambda: seen.append(service.crashed))
                raise RuntimeError("half a batch")

        app.agent(channel, name="one")(agent)
        await app.start()
        await channel.put(1)  # type: ignore[arg-type]  # takes any value
        await until(lambda: bool(seen))
        await app.stop()
        return seen[0], isinstance(app.crash_reason, RuntimeError)

    assert asyncio.run(run()) == (True, True)


def test_a_channel_without_limit_takes_everything_at_once(tmp_path: Path) -> None:
    """The source's thread never waits for agents in `put`; `batches_under_way` is the bound."""

    async def run() -> int:
        app = make_app("contract", tmp_path)
        channel = app.channel(maxsize=0)
        got = listen(app, channel, "one")
        await app.start()
        async with asyncio.timeout(SECONDS):
            for number in range(10_000):
                await channel.put(number)  # type: ignore[arg-type]  # takes any value
        await until(lambda: len(got) == 10_000)
        await app.stop()
        return len(got)

    assert asyncio.run(run()) == 10_000


def test_agents_take_turns_however_much_waits_for_one_of_them(tmp_path: Path) -> None:
    """Otherwise a catch-up of intake would hold up the pulse of merge until all that was read is applied."""

    async def run() -> list[str]:
        app = make_app("contract", tmp_path)
        turns: list[str] = []
        channels = {name: app.channel(maxsize=0) for name in ("one", "two")}

        def note(name: str) -> None:
            async def agent(values: AsyncIterable[int]) -> None:
                async for _ in values:
                    turns.append(name)  # noqa: PERF401  # the loop never ends

            app.agent(channels[name], name=name)(agent)

        for name in channels:
            note(name)
        await app.start()
        await asyncio.gather(*(channel.put(n) for channel in channels.values() for n in range(10)))  # type: ignore[arg-type]  # takes any value
        await until(lambda: len(turns) == 20)
        await app.stop()
        return turns

    turns = asyncio.run(run())
    assert max(len(list(same)) for _, same in groupby(turns)) <= 2


def test_a_service_that_sleeps_wakes_up_when_it_is_stopped(tmp_path: Path) -> None:
    """The pause between flushes doesn't hold up an orderly stop."""

    async def run() -> None:
        app = make_app("contract", tmp_path)
        service = Noting()
        service_of(app, service)
        await app.start()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(service.sleep(1_000), app.stop())

    asyncio.run(run())


def test_the_app_connects_to_no_broker_of_its_own(tmp_path: Path) -> None:
    """Faust imports aiokafka; nothing of it may run: a second group of the app's name would suspend all channels."""

    async def run() -> list[str]:
        app = make_app("contract", tmp_path)
        await app.start()
        tasks = [repr(task) for task in asyncio.all_tasks()]
        await app.stop()
        return [task for task in tasks if "aiokafka" in task or "Consumer" in task or "Producer" in task]

    assert asyncio.run(run()) == []


class Run:
    """A worker in a process of its own, what it has printed, and how it ended."""

    def __init__(self, directory: Path, failure: str) -> None:
        self._path = directory / f"out-{failure}"
        with self._path.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER), str(directory), *([failure] if failure else [])],
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=end_with_parent(heed_interrupt=True),
            )

    def said(self) -> list[str]:
        """Lines so far."""
        return self._path.read_text().splitlines()

    def end(self, number: signal.Signals | None = None) -> int:
        """Wait until it has begun, send it a signal, wait for its end; its exit status."""
        if number is not None:
            eventually(lambda: "agent-starts" in self.said(), SECONDS, "the agent has started")
            self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """A worker for each way to fail; together, because each takes a second to start."""
    runs = {failure: Run(tmp_path_factory.mktemp(failure), failure) for failure in FAILURES}
    yield runs
    for run in runs.values():
        run.process.kill()
        run.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_services_side_by_side_before_agents_and_exits_with_0(number: signal.Signals, tmp_path: Path) -> None:
    """A stage's last flush runs while its agent and its own tasks still live, so what it takes is whole."""
    run = Run(tmp_path, "")
    assert run.end(number) == 0, run.said()
    said = run.said()
    assert said[:3] == ["one-starts", "two-starts", "agent-starts"]
    assert said[3:5] == ["one-stops", "two-stops"]
    assert {"one-ends", "two-ends"} == set(said[5:7])
    assert said[7:] == ["agent-ends", "over"]


@pytest.mark.parametrize(("failure", "reason"), [("fail-in-agent", "not in an agent"), ("fail-in-task", "not in a task")])
def test_a_failure_ends_all_tasks_before_any_service_stops_and_is_raised(
    failure: str, reason: str, failing: dict[str, Run]
) -> None:
    """So that no flush runs after half a batch: the flushing task is over, and on_stop sees that it was a crash."""
    assert failing[failure].end() == 1
    said = failing[failure].said()
    assert said[-1] == f"worker: {reason}"
    assert {"one-ends", "two-ends"} == set(said[3:5])
    assert {"two-stops-crashed", "one-stops-crashed"} == set(said[5:7])


def test_a_failure_at_start_is_raised_like_any_other(failing: dict[str, Run]) -> None:
    """Faust alone would log it and exit with 0; `_Worker` in engine/app.py leans on `start` raising and `crash` being heard."""
    assert failing["fail-at-start"].end() == 1
    assert failing["fail-at-start"].said()[-1] == "worker: not at start"
