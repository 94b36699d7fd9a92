"""What librdkafka can't do for us, by kafka-python: take a static member out of its group, and ask whether transactions are real.

The surprise: closing a static member doesn't make it leave; its partitions would wait for the session to time out. That suits a
crash, where the worker comes back under its name, but not an orderly stop.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import CoordinatorLoadInProgressError, KafkaError, UnsupportedVersionError

from streams.engine.errors import EngineError, KafkaFailed
from streams.engine.options import Settings, StageOptions

LOG = logging.getLogger(__name__)

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
        with _admin(client, LEAVE_SECONDS_MAX) as admin:
            admin.remove_group_members(options.group(stage), [member])
    except EngineError as error:
        LOG.info("%s: could not leave the group, its session will time out: %s", stage, error)


def static_member(client: Settings, options: StageOptions, stage: str, timeout_seconds: float) -> str:
    """The member id that the stage's group knows under this worker's name; "" for none. Raises EngineError without an answer."""
    group = options.group(stage)
    with _admin(client, timeout_seconds) as admin:
        members: list[dict[str, Any]] = admin.describe_groups([group])[group]["members"]
    ids = [str(member["member_id"]) for member in members if member["group_instance_id"] == options.instance(stage)]
    return ids[0] if ids else ""


def lists_transactions(client: Settings, timeout_seconds: float) -> bool:
    """Whether the broker keeps transactions that it can list. Raises EngineError when it doesn't answer."""
    try:
        with _admin(client, timeout_seconds) as admin:
            try:
                admin.list_transactions()
            except CoordinatorLoadInProgressError:
                return True  # a broker that has just come up: what it loads are its transactions
    except UnsupportedVersionError:
        return False
    return True


@contextmanager
def _admin(client: Settings, timeout_seconds: float) -> Iterator[KafkaAdminClient]:
    settings: dict[str, Any] = {NAMES[key]: value for key, value in client.items() if key in NAMES}
    settings["bootstrap_servers"] = str(settings["bootstrap_servers"]).split(",")
    milliseconds = round(timeout_seconds * 1000)
    try:
        admin = KafkaAdminClient(**settings, bootstrap_timeout_ms=milliseconds, request_timeout_ms=milliseconds)
        try:
            yield admin
        finally:
            admin.close()
    except UnsupportedVersionError:
        raise
    except KafkaError as error:
        raise KafkaFailed(f"Kafka's administration at {client.get('bootstrap.servers')} failed: {error}") from error
