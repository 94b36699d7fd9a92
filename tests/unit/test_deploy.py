"""What compose starts: a container engine isn't needed to see whether it would be right."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import SettingsError, load

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("topics", "worker-1", "worker-2", "board", "ingest", "simulator")


def plain(text: str) -> str:
    """Compose's substitution with nothing set: ${NAME:-default} → default."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_stated_version_and_comes_back_after_a_failure(name: str) -> None:
    service = SERVICES[name]

    assert re.search(r":v?\d+\.\d+", service["image"]), service["image"]
    assert service["restart"] in {"unless-stopped", "on-failure:5"}


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS or name in ("board", "ingest")])
def test_every_service_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_only_what_is_called_from_outside_is_published_and_on_loopback_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {
        "board": ["127.0.0.1:8080:8080"],
        "ingest": ["127.0.0.1:8090:8090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_and_settings_that_load(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    load([], {key: plain(value) for key, value in service["environment"].items() if value is not None})


def test_a_misspelt_variable_in_compose_would_be_found() -> None:
    environment = {**SERVICES["board"]["environment"], "STREAMS_PUBLISH_REDIS": "redis://redis"}

    with pytest.raises(SettingsError, match="did you mean STREAMS_PUBLISH_REDIS_URL"):
        load([], {key: plain(value) for key, value in environment.items()})


def test_each_worker_has_its_own_name_and_is_found_by_prometheus() -> None:
    workers = [SERVICES["worker-1"], SERVICES["worker-2"]]
    jobs = {
        job["job_name"]: job for job in yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    }
    job = jobs["streams-worker"]

    assert [worker["environment"]["STREAMS_APP_WORKER"] for worker in workers] == ["worker-1", "worker-2"]
    assert [worker["networks"]["default"]["aliases"] for worker in workers] == [job["dns_sd_configs"][0]["names"]] * 2


def test_files_that_are_mounted_are_there() -> None:
    mounts = [
        volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", []) if volume.startswith(".")
    ]

    assert [mount for mount in mounts if not (ROOT / "deploy" / mount).exists()] == []


def test_named_volumes_are_declared() -> None:
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }

    assert named == set(COMPOSE["volumes"])


def test_every_dependency_has_a_pinned_version() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    pinned = {line.partition("==")[0] for line in (ROOT / ".github/constraints.txt").read_text().splitlines() if "==" in line}

    assert {re.split(r"[\[<>=;! ]", name)[0].lower() for name in wanted} - pinned == set()


def test_the_image_is_given_every_file_that_it_copies() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {name for names in copied for name in names.split()} == allowed
