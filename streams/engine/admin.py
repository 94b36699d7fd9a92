"""What librdkafka can't do for us, by kafka-python: take a static member out of its group, and ask whether transactions are real.

The surprise: closing a static member doesn't make it leave; its partitions would wait for the session to time out. That suits a
crash, where the worker comes back under its name, but not an orderly stop.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any, TypeVar

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import CoordinatorLoadInProgressError, KafkaConnectionError, KafkaError, UnsupportedVersionError

from streams.engine.errors import EngineError, KafkaFailed
from streams.engine.options import Settings, StageOptions

LOG = logging.getLogger(__name__)
T = TypeVar("T")

AGAIN_SECONDS = 0.2
LEAVE_SECONDS_MAX = 5.0  # else the session's time-out does it
NAMES = {  # librdkafka's name of a connection setting, and kafka-python's
    "bootstrap.servers": "bootstrap_servers",
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
}


def leave_group(client: Settings, options: StageOptions, stage: str) -> None:
    """Take this worker's static member out of the stage's group, so that others get its partitions at once, if possible."""
    if not options.transactional:  # no static member
        return
    member = MemberToRemove(group_instance_id=options.instance(stage))
    try:
        with _failures(client), _admin(client, LEAVE_SECONDS_MAX) as admin:
            admin.remove_group_members(options.group(stage), [member])
    except EngineError as error:
        LOG.info("%s: could not leave the group, its session will time out: %s", stage, error)


def static_member(client: Settings, options: StageOptions, stage: str, timeout_seconds: float) -> str:
    """The member id that the stage's group knows under this worker's name; "" for none. Raises EngineError without an answer."""
    group = options.group(stage)
    with _failures(client), _admin(client, timeout_seconds) as admin:
        members: list[dict[str, Any]] = admin.describe_groups([group])[group]["members"]
    ids = [str(member["member_id"]) for member in members if member["group_instance_id"] == options.instance(stage)]
    return ids[0] if ids else ""


def lists_transactions(client: Settings, timeout_seconds: float) -> bool:
    """Whether the broker keeps transactions that it can list. Raises EngineError when it doesn't answer."""

    def ask() -> None:
        with _admin(client, timeout_seconds) as admin, suppress(CoordinatorLoadInProgressError):
            admin.list_transactions()  # a broker that has just come up loads them: it has some

    try:
        with _failures(client):
            until_answered(ask, timeout_seconds)
    except UnsupportedVersionError:
        return False
    return True


def until_answered(ask: Callable[[], T], timeout_seconds: float) -> T:
    """What is asked, again where a connection fails, for so long; then the KafkaConnectionError.

    kafka-python asks any broker that the others have told it of. One that died a moment ago is still among them, and it tries no
    other: a worker that was started then took it for none at all.
    """
    deadline = monotonic() + timeout_seconds
    while True:
        try:
            return ask()
        except KafkaConnectionError:
            if monotonic() > deadline:
                raise
            sleep(AGAIN_SECONDS)


@contextmanager
def _failures(client: Settings) -> Iterator[None]:
    try:
        yield
    except UnsupportedVersionError:
        raise
    except KafkaError as error:
        raise KafkaFailed(f"Kafka's administration at {client.get('bootstrap.servers')} failed: {error}") from error


@contextmanager
def _admin(client: Settings, timeout_seconds: float) -> Iterator[KafkaAdminClient]:
    settings: dict[str, Any] = {NAMES[key]: value for key, value in client.items() if key in NAMES}
    settings["bootstrap_servers"] = str(settings["bootstrap_servers"]).split(",")
    milliseconds = round(timeout_seconds * 1000)
    admin = KafkaAdminClient(**settings, bootstrap_timeout_ms=milliseconds, request_timeout_ms=milliseconds)
    try:
        yield admin
    finally:
        admin.close()
