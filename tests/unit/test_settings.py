"""Settings: what is in force, from where, and what a wrong one says."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.settings import Settings, SettingsError, builtin, fingerprint, load, load_with_origins


def written(directory: Path, text: str) -> Path:
    path = directory / "my.toml"
    path.write_text(text)
    return path


def refused(paths: list[Path], environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        load(paths, environ)
    return str(refusal.value).splitlines()


def test_defaults_alone_are_complete_and_every_key_comes_from_them() -> None:
    settings, origins = load_with_origins([], {})

    assert settings.kafka.bootstrap_servers == "localhost:9092"
    assert settings.bands["asa"].high == 20.0
    assert set(origins.values()) == {"default"}


def test_default_toml_and_the_types_agree_key_by_key() -> None:
    with builtin("default.toml").open("rb") as file:
        table = tomllib.load(file)

    assert [field.name for field in msgspec.structs.fields(Settings)] == list(table)
    for field in msgspec.structs.fields(Settings):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            assert [key.name for key in msgspec.structs.fields(field.type)] == list(table[field.name]), field.name


@pytest.mark.parametrize("name", sorted(path.name for path in builtin("default.toml").parent.glob("*.toml")))
def test_every_overlay_that_travels_with_the_program_loads(name: str) -> None:
    environ = (
        {"STREAMS_KAFKA_SASL_USERNAME": "streams", "STREAMS_KAFKA_SASL_PASSWORD": "secret"} if name == "production.toml" else {}
    )

    assert isinstance(load([builtin(name)], environ), Settings)


def test_a_key_left_out_of_a_file_keeps_its_default(tmp_path: Path) -> None:
    overlay = written(tmp_path, "[bands.asa]\nhigh = 30\n[intake]\npane_seconds = 5\n")

    settings, origins = load_with_origins([overlay], {})

    assert (settings.bands["asa"].high, settings.bands["asa"].moderate) == (30.0, 60.0)
    assert (settings.intake.pane_seconds, settings.intake.idle_seconds) == (5, 3)
    assert (origins["bands.asa.high"], origins["bands.asa.moderate"]) == (str(overlay), "default")


def test_the_environment_wins_over_files_and_is_named_as_the_origin(tmp_path: Path) -> None:
    overlay = written(tmp_path, '[kafka]\nbootstrap_servers = "file:9092"\n')

    settings, origins = load_with_origins([overlay], {"STREAMS_KAFKA_BOOTSTRAP_SERVERS": "variable:9092"})

    assert settings.kafka.bootstrap_servers == "variable:9092"
    assert origins["kafka.bootstrap_servers"] == "STREAMS_KAFKA_BOOTSTRAP_SERVERS"


def test_variables_are_read_as_what_the_key_is() -> None:
    settings = load(
        [],
        {
            "STREAMS_WORKER_PORT": "0",
            "STREAMS_ENGINE_FLUSH_SECONDS": "0.5",
            "STREAMS_EVENTS_SOURCES": "genesys, connect",
            "STREAMS_PUBLISH_ALERTMANAGER_URLS": "",
            "STREAMS_KPI_QUEUE_SERVICE_LEVEL_SECONDS": "{billing = 30, 'back office' = 600}",
            "PATH": "/bin",
        },
    )

    assert settings.worker.port == 0
    assert settings.engine.flush_seconds == 0.5
    assert settings.events.sources == ("genesys", "connect")
    assert settings.publish.alertmanager_urls == ()
    assert settings.kpi.queue_service_level_seconds == {"billing": 30, "back office": 600}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[intake]\npane_second = 10", "{file}: key [intake] pane_second is not known; did you mean pane_seconds?"),
        ("[intke]\npane_seconds = 10", "{file}: section [intke] is not known; did you mean intake?"),
        ("[intake]\npane_seconds = '10'", "{file}: [intake] pane_seconds is '10', expected a whole number above 0"),
        ("[intake]\npane_seconds = 0", "{file}: [intake] pane_seconds is 0, expected a whole number above 0"),
        ("[intake]\npane_seconds = true", "{file}: [intake] pane_seconds is True, expected a whole number above 0"),
        ("[intake]\npane_seconds = {}", "{file}: [intake] pane_seconds is {{}}, expected a whole number above 0"),
        ("[intake]\npane_seconds = {ten = 10}", "{file}: [intake] pane_seconds is {{}}, expected a whole number above 0"),
        ("[intake]\ncuts = 'total'", "{file}: [intake] cuts is 'total', expected a list, each a text"),
        ("[worker]\nport = 70000", "{file}: [worker] port is 70000, expected a whole number at least 0 and at most 65535"),
        ("[engine]\nflush_seconds = inf", "{file}: [engine] flush_seconds is inf, expected a number above 0"),
        ("kafka = 9092", "{file}: [kafka] is 9092, expected a table"),
        (
            "[kafka]\ntransactions = 'yes'",
            '{file}: [kafka] transactions is \'yes\', expected one of "auto", "off", "on"',
        ),
        (
            "[topics]\ntrends = 'my trends'",
            "{file}: [topics] trends is 'my trends', expected a text of letters, digits, '.', '_' and '-'",
        ),
        (
            "[kpi.queue_service_level_seconds]\nbilling = -1",
            "{file}: [kpi.queue_service_level_seconds] billing is -1, expected a whole number above 0",
        ),
        ("[bands.aht]\nhigh = 60", "[bands.aht] direction has no value: give it one beside the others of its section"),
    ],
)
def test_a_wrong_key_in_a_file_says_file_key_what_was_found_and_what_is_expected(
    tmp_path: Path, text: str, complaint: str
) -> None:
    overlay = written(tmp_path, text)

    assert complaint.format(file=overlay) in refused([overlay], {})


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        (
            "STREAMS_KAFKA_BOOTSTRAP_SERVER",
            "a:1",
            "STREAMS_KAFKA_BOOTSTRAP_SERVER: is not a setting; did you mean STREAMS_KAFKA_BOOTSTRAP_SERVERS?",
        ),
        (
            "STREAMS_WORKER_PORT",
            "http",
            "STREAMS_WORKER_PORT: [worker] port is 'http', expected a whole number at least 0 and at most 65535",
        ),
        (
            "STREAMS_ENGINE_FLUSH_SECONDS",
            "-1",
            "STREAMS_ENGINE_FLUSH_SECONDS: [engine] flush_seconds is -1.0, expected a number above 0",
        ),
        ("STREAMS_BANDS_ASA", "{}", "STREAMS_BANDS_ASA: [bands] can be set in a file only, because its keys have free names"),
        (
            "STREAMS_KPI_QUEUE_SERVICE_LEVEL_SECONDS",
            "billing=30",
            "STREAMS_KPI_QUEUE_SERVICE_LEVEL_SECONDS: [kpi] queue_service_level_seconds is 'billing=30', "
            "expected a table, name = a whole number above 0",
        ),
    ],
)
def test_a_wrong_variable_says_its_name_what_was_found_and_what_is_expected(variable: str, value: str, complaint: str) -> None:
    assert refused([], {variable: value}) == [complaint]


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        (
            {"STREAMS_INTAKE_PANE_SECONDS": "7"},
            "[intake] pane_seconds (STREAMS_INTAKE_PANE_SECONDS): found 7, expected a divisor of 60",
        ),
        (
            {"STREAMS_MERGE_GRACE_1H_SECONDS": "60"},
            "[merge] grace_15m_seconds (default) and [merge] grace_1h_seconds (STREAMS_MERGE_GRACE_1H_SECONDS): found 900 and 60",
        ),
        ({"STREAMS_MERGE_TIME_ZONE": "Europe/Berln"}, "'Europe/Berln' is not an IANA time zone; did you mean Europe/Berlin?"),
        ({"STREAMS_MERGE_TIME_ZONE": "../passwd"}, "'../passwd' is not an IANA time zone; an example is Europe/Berlin"),
        ({"STREAMS_INTAKE_CUTS": "total,channel,queue,qeue"}, "'qeue' is not a dimension; did you mean queue?"),
        ({"STREAMS_INTAKE_CUTS": "total,channel,queue,queue+channel"}, "found 'queue+channel', expected 'channel+queue'"),
        (
            {"STREAMS_DETECT_CUTS": "channel+product", "STREAMS_FORECAST_CUTS": "channel+product"},
            "'channel+product' is watched but not counted: add it to [intake] cuts",
        ),
        ({"STREAMS_DETECT_MIX_CUTS": "total"}, "'total': expected cuts that divide the contacts, and not by groups of people"),
        (
            {"STREAMS_DETECT_MIX_CUTS": "segment"},
            "'segment': expected cuts that divide the contacts, and not by groups of people",
        ),
        ({"STREAMS_DETECT_MIX_CUTS": "chanel"}, "'chanel' is not a dimension; did you mean channel?"),
        (
            {"STREAMS_HOURS_DEFAULT": "9 to 5"},
            "[hours] default (STREAMS_HOURS_DEFAULT): found '9 to 5', expected e.g. 'mo-fr 08:00",
        ),
        ({"STREAMS_HOURS_HOLIDAYS": "XX"}, "'XX' is no country or part of one that the package holidays knows"),
        ({"STREAMS_HOURS_CLOSED_DAYS": "24.12."}, "found '24.12.', expected a day like 2026-12-25"),
        ({"STREAMS_ENGINE_FLUSH_SECONDS": "2"}, "flush_seconds_max (default): 2 is above 1"),
        ({"STREAMS_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "SASL needs sasl_mechanism, sasl_username and sasl_password"),
        ({"STREAMS_KAFKA_SASL_PASSWORD": "secret"}, "PLAINTEXT doesn't use the sasl_… keys"),
        ({"STREAMS_KAFKA_SSL_CA_LOCATION": "/no/such.pem"}, "no such file: /no/such.pem"),
        ({"STREAMS_KAFKA_BOOTSTRAP_SERVERS": "localhost"}, "found 'localhost', expected host:port"),
        ({"STREAMS_TOPICS_LATE": "trends"}, "are all 'trends', expected a topic each"),
        ({"STREAMS_TOPICS_MIN_INSYNC_REPLICAS": "2"}, "expected at most the replication factor"),
        ({"STREAMS_PUBLISH_REDIS_URL": "localhost:6379"}, "expected redis://host:port/number"),
        ({"STREAMS_PUBLISH_ALERTMANAGER_URLS": "localhost:9093"}, "found 'localhost:9093', expected http://host:port"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_with_their_origin(environ: dict[str, str], complaint: str) -> None:
    (line,) = refused([], environ)

    assert complaint in line


def test_a_band_whose_limits_are_in_the_wrong_order_is_refused(tmp_path: Path) -> None:
    overlay = written(tmp_path, "[bands.asa]\nhigh = 90\n")

    (line,) = refused([overlay], {})

    assert line.endswith("high is 90, expected below moderate (60), because direction is down")


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    overlay = written(tmp_path, "[worker]\nport = 'a'\n[board]\nport = 'b'\n")

    assert len(refused([overlay], {"STREAMS_NO_SUCH": "1"})) == 3


def test_a_file_that_is_missing_or_is_not_toml_is_named(tmp_path: Path) -> None:
    absent, broken = tmp_path / "absent.toml", written(tmp_path, "[kafka\n")

    assert refused([absent], {}) == [
        f"{absent}: no such file; `--config` expects a TOML file with the sections of config/default.toml"
    ]
    assert refused([broken], {})[0].startswith(f"{broken}: is not valid TOML: ")
    assert refused([tmp_path], {}) == [f"{tmp_path}: can't be read (Is a directory); `--config` expects a TOML file"]


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("[kafka]\nsasl_password = 12345678", {}),
        ("[kafka]\nsasl_passwort = '12345678'", {}),
        ("[publish]\nredis_url = ['redis://user:12345678@host']", {}),
        ("", {"STREAMS_PUBLISH_REDIS_URL": "http://user:12345678@host"}),
        ("", {"STREAMS_PUBLISH_ALERTMANAGER_URLS": "ftp://user:12345678@host"}),
    ],
)
def test_no_message_shows_a_password(tmp_path: Path, text: str, environ: dict[str, str]) -> None:
    assert "12345678" not in "\n".join(refused([written(tmp_path, text)], environ))


def test_the_fingerprint_changes_with_a_setting_but_not_with_a_password_nor_the_workers_name() -> None:
    def with_(environ: dict[str, Any]) -> str:
        return fingerprint(load([], environ))

    same = with_({})

    assert with_({"STREAMS_APP_WORKER": "b"}) == same
    assert (
        with_({"STREAMS_PUBLISH_REDIS_URL": "redis://u:a@host"})
        == with_({"STREAMS_PUBLISH_REDIS_URL": "redis://u:b@host"})
        != same
    )
    assert with_({"STREAMS_INTAKE_PANE_SECONDS": "5"}) != same
