"""The Faust app and its run: what of Faust is on, and how a worker begins and ends.

On: agents, channels, services, timers, the worker with its signals. Off: Faust's own consumer, producer, tables, recovery, web
server. The surprise: an agent's exception must end the worker. Faust would restart the agent and go on behind a batch that was
half applied, so the supervisor here is the one that crashes everything. And services stop side by side: each flushes and leaves
its group, which takes a second on a busy machine, and whoever told the worker to stop waits for the sum in Faust's way.
"""

import asyncio
import gc
import logging
import signal
from pathlib import Path

import faust
import mode
from faust.app.base import BootStrategy
from mode.supervisors import CrashingSupervisor

from streams.engine.collection import Freezing
from streams.engine.errors import EngineError, KafkaFailed

LOG = logging.getLogger(__name__)

LOUD = (
    "streams.engine.stage",
    "streams.engine.tail",
    "faust.agents.actor",
    "faust.agents.agent",
    "mode.services",
    "faust.worker",
)


class _WithoutKafka(BootStrategy):
    enable_kafka = False  # records come through streams.engine.source
    enable_web = False
    enable_sensors = False  # a monitor that nobody reads


class _App(faust.App):
    BootStrategy = _WithoutKafka
    joined: list[mode.Service]

    async def on_stop(self) -> None:
        """All services that joined by `service_of`, before the agents; Faust then finds them stopped."""
        stops = [service.stop() for service in self.joined if service.started]
        for failure in await asyncio.gather(*stops, return_exceptions=True):
            if isinstance(failure, BaseException):
                await self.crash(failure)
        await super().on_stop()


class _Worker(faust.Worker):
    """Knows whether a signal has told it to stop; and what a service raises while it starts is a crash like any other.

    Faust would log that and end as if nothing had been.
    """

    told_to_stop = False

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        self.told_to_stop = True
        super()._schedule_shutdown(number)

    async def _sentinel_task(self) -> None:
        """Faust sleeps a second here, once all has ended. One turn of the loop is enough for whom it has cancelled."""
        await asyncio.sleep(0)

    async def start(self) -> None:
        try:
            await super().start()
        except Exception as error:
            await self.crash(error)
            raise


def make_app(name: str, data_directory: Path) -> faust.App:
    """An app whose agents read channels. It touches no broker, and the disk only for its empty data directory."""
    app = _App(
        name,
        broker="kafka://localhost",  # never connected
        datadir=str(data_directory),
        web_enabled=False,
        autodiscover=False,
        store="memory://",
        topic_disable_leader=True,
        stream_wait_empty=False,
        agent_supervisor=CrashingSupervisor,
        worker_redirect_stdouts=False,
    )
    app.joined = []
    app.flow_control.resume()  # Faust's consumer would have done it; channels stay suspended otherwise
    return app


def run(app: faust.App) -> None:
    """Run until SIGTERM or SIGINT, or until something fails: then that is raised, after an orderly stop."""
    for name in LOUD:
        logging.getLogger(name).addFilter(_no_traceback)
    gc.callbacks.append(Freezing())
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = _Worker(app, quiet=True, override_logging=False, redirect_stdouts=False, loop=loop)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit:
        reason = worker.crash_reason
        if isinstance(reason, KafkaFailed) and worker.told_to_stop:  # and so nobody wants it to start again
            LOG.warning("the last flush was not written, others read its records again: %s", reason)
        elif reason is not None:
            raise reason from reason.__cause__


def _no_traceback(record: logging.LogRecord) -> bool:
    """An EngineError says all in its message, which the command line prints once at the end."""
    return not (record.exc_info and isinstance(record.exc_info[1], EngineError))


def service_of(app: faust.App, service: mode.Service) -> None:
    """Have the service start and stop with the app, which `make_app` made."""
    assert isinstance(app, _App)
    app.joined.append(service)
    app.service(service)  # type: ignore[arg-type]  # takes instances as well as classes, a contract test says so
