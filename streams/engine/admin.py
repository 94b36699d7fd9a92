"""What librdkafka can't do for us, by kafka-python: take a static member out of its group, and ask whether transactions are real.

The surprise: closing a static member doesn't make it leave; its partitions would wait for the session to time out. That suits a
crash, where the worker comes back under its name, but not an orderly stop.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import KafkaError, UnsupportedVersionError

from streams.engine.errors import EngineError
from streams.engine.options import Settings

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


def leave(client: Settings, group: str, instance: str, timeout_seconds: float) -> None:
    """Take a static member out of its group, so that others get its partitions at once. Raises EngineError."""
    with _admin(client, timeout_seconds) as admin:
        admin.remove_group_members(group, [MemberToRemove(group_instance_id=instance)])


def lists_transactions(client: Settings, timeout_seconds: float) -> bool:
    """Whether the broker keeps transactions that it can list. Raises EngineError when it doesn't answer."""
    try:
        with _admin(client, timeout_seconds) as admin:
            admin.list_transactions()
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
        raise EngineError(f"Kafka's administration at {client.get('bootstrap.servers')} failed: {error}") from error
