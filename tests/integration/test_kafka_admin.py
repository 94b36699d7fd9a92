"""Topics on real Kafka and on the embedded broker."""

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # documented, but not listed
from own_topics import own_environment, own_settings

from streams import settings
from streams.core.errors import StreamsError
from streams.edge.kafka import create_topics, list_topics, topic_specs
from streams.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(params=["kafka", "tansu"])
def bootstrap(request: pytest.FixtureRequest) -> str:
    """Each broker in turn."""
    return str(request.getfixturevalue(request.param))


def states(loaded: Settings) -> set[str]:
    return {report.state for report in list_topics(loaded)}


def test_topics_are_created_once_and_then_exist(bootstrap: str) -> None:
    loaded = own_settings(bootstrap)
    assert states(loaded) == {"missing"}
    assert {report.state for report in create_topics(loaded)} == {"created"}
    assert {report.state for report in create_topics(loaded)} == {"exists"}
    assert states(loaded) == {"exists"}


def test_only_what_is_missing_is_created(bootstrap: str) -> None:
    environment = own_environment(bootstrap)
    create_topics(settings.load([], environment))
    moved = settings.load([], {**environment, "STREAMS_TOPICS_ALERTS": f"{environment['STREAMS_APP_NAME']}.alarms"})
    created = [report.name for report in create_topics(moved) if report.state == "created"]
    assert created == [moved.topics.alerts]


def test_a_topic_with_other_partitions_is_refused_and_nothing_is_created(bootstrap: str) -> None:
    environment = own_environment(bootstrap)
    create_topics(settings.load([], environment))
    name = environment["STREAMS_APP_NAME"]
    renamed = {"STREAMS_TOPICS_REJECTED": f"{name}.new", "STREAMS_TOPICS_LATE": f"{name}.x"}
    wrong = settings.load([], {**environment, **renamed, "STREAMS_TOPICS_PARTITIONS": "5"})
    with pytest.raises(StreamsError) as error:
        create_topics(wrong)
    expected = (
        f"wrong partition counts: topic {name}.interactions has 4, not [topics] partitions = 5; "
        f"topic {name}-intake-changelog has 4, not [topics] partitions = 5.\n"
        "Set the count to what the topics have, or choose other names ([topics], [app] name): state can't be re-partitioned."
    )
    assert expected == str(error.value)
    assert {report.name for report in list_topics(wrong) if report.state == "missing"} == {f"{name}.new", f"{name}.x"}


def test_real_kafka_has_the_configuration_that_was_asked_for(kafka: str) -> None:
    loaded = own_settings(kafka)
    create_topics(loaded)
    specs = topic_specs(loaded)
    admin = AdminClient({"bootstrap.servers": kafka})
    described = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, spec.name) for spec in specs])
    found = {resource.name: answer.result() for resource, answer in described.items()}
    for spec in specs:
        assert {key: found[spec.name][key].value for key in spec.configs} == spec.configs
