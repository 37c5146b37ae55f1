"""Dockerfile and docker-compose.yml against what exists, as no engine runs them here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import click
import psycopg
import pytest
import yaml

from forge.cli import cli
from forge.embedded import DEFAULT_DSN
from forge.settings import Settings, variables

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = cast(dict[str, dict[str, Any]], COMPOSE["services"])
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
INTERPOLATION = re.compile(r"\$\{(\w+):-([^}]*)\}")


def environment(service: dict[str, Any]) -> dict[str, str]:
    """A service's variables as Compose gives them where the user set none."""
    return {
        name: INTERPOLATION.sub(r"\2", str(text))
        for name, text in service.get("environment", {}).items()
    }


def test_the_services_are_the_ones_that_are_documented() -> None:
    assert set(SERVICES) == {"postgres", "migrate", "api", "worker", "dashboard"}
    assert set(OURS) == {"migrate", "api", "worker"}


@pytest.mark.parametrize("name", OURS)
def test_every_command_and_option_exists(name: str) -> None:
    command, *arguments = OURS[name]["command"]

    found = cli.get_command(click.Context(cli), command)

    assert found is not None
    found.make_context(command, list(arguments))  # raises on an option that is unknown


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_forge_reads_and_accepts(name: str) -> None:
    env = environment(OURS[name])

    assert set(env) <= set(variables())
    Settings.from_env(env)


def test_the_database_is_the_one_that_postgres_makes() -> None:
    made = SERVICES["postgres"]["environment"]
    for name, service in OURS.items():
        asked = psycopg.conninfo.conninfo_to_dict(service["environment"]["DATABASE_URL"])
        assert asked["host"] == "postgres", name
        assert (asked["user"], asked["password"], asked["dbname"]) == (
            made["POSTGRES_USER"],
            made["POSTGRES_PASSWORD"],
            made["POSTGRES_DB"],
        )


def test_the_published_database_is_forges_default() -> None:
    default = urlsplit(DEFAULT_DSN)
    made = SERVICES["postgres"]["environment"]

    assert (default.username, default.password, default.path) == (
        made["POSTGRES_USER"],
        made["POSTGRES_PASSWORD"],
        f"/{made['POSTGRES_DB']}",
    )
    assert SERVICES["postgres"]["ports"] == [f"127.0.0.1:{default.port}:5432"]


def test_everything_is_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert all(port.startswith("127.0.0.1:") for port in published)
    assert {"127.0.0.1:8080:8080", "127.0.0.1:3000:8080"} <= set(published)


def test_the_api_listens_where_its_port_is_published_and_asks_for_tokens() -> None:
    settings = Settings.from_env(environment(SERVICES["api"]))

    assert (settings.host, settings.port) == ("0.0.0.0", 8080)
    assert set(settings.tokens.values()) == {"operator"}
    assert "http://localhost:3000" in settings.cors_origins


def test_jobs_wait_for_the_migration_and_the_migration_for_the_database() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert "healthcheck" in SERVICES["postgres"]
    for name in ("api", "worker"):
        waits = SERVICES[name]["depends_on"]
        assert waits == {"migrate": {"condition": "service_completed_successfully"}}


def test_every_mounted_and_copied_path_exists() -> None:
    mounted = SERVICES["dashboard"]["volumes"][0].split(":")[0]
    copied = [
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in shlex.split(line)[1:-1]
    ]

    assert (ROOT / mounted / "index.html").is_file()
    assert copied
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_what_is_copied_is_sent_to_the_builder() -> None:
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {
        word
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for word in shlex.split(line)[1:-1]
    }

    assert sent == copied


def test_the_image_does_not_run_as_root_and_starts_forge() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()

    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("root", "0")
    assert 'ENTRYPOINT ["forge"]' in lines
