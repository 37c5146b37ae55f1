"""Settings: what each variable accepts, and that nothing else is quietly taken."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from forge.environment import NO_LIMIT, Rate
from forge.errors import SettingsError
from forge.settings import Settings, unknown_variables, variables

TOKEN = "0123456789abcdef"


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = Settings.from_env({})

    assert (settings.database_url, settings.host, settings.port) == (None, "127.0.0.1", 8080)
    assert settings.home.name == "forge"
    assert settings.tokens == {}


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"DATABASE_URL": "", "PORT": " "}) == Settings.from_env({})


@pytest.mark.parametrize(("text", "port"), [("8080", 8080), (":9000", 9000), ("0", 0)])
def test_port_is_written_with_or_without_a_colon(text: str, port: int) -> None:
    assert Settings.from_env({"PORT": text}).port == port


def test_tokens_carry_roles() -> None:
    settings = Settings.from_env({"FORGE_TOKENS": f"viewer:{TOKEN}, operator:{TOKEN}x:y"})

    assert settings.tokens == {TOKEN: "viewer", f"{TOKEN}x:y": "operator"}


@pytest.mark.parametrize(
    ("text", "rate"),
    [("600/minute", Rate(600, 60)), ("5 / Second", Rate(5, 1)), ("none", NO_LIMIT)],
)
def test_a_rate_is_requests_in_a_time(text: str, rate: Rate) -> None:
    assert Settings.from_env({"FORGE_RATE_LIMIT": text}).rate_limit == rate


def test_proxies_are_addresses_and_networks() -> None:
    settings = Settings.from_env({"FORGE_TRUSTED_PROXIES": "10.0.0.1, 192.168.0.0/16"})
    assert settings.trusted_proxies == ("10.0.0.1/32", "192.168.0.0/16")


def test_a_path_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Settings.from_env({"FORGE_HOME": "~/queue"}).home == tmp_path / "queue"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DATABASE_URL", "not a url"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("FORGE_TOKENS", TOKEN),
        ("FORGE_TOKENS", f"admin:{TOKEN}"),
        ("FORGE_TOKENS", "viewer:short"),
        ("FORGE_TOKENS", f"viewer:{TOKEN},operator:{TOKEN}"),
        ("FORGE_CORS_ORIGINS", "*"),
        ("FORGE_CORS_ORIGINS", "https://a.example/path"),
        ("FORGE_LOG_LEVEL", "loud"),
        ("FORGE_RATE_LIMIT", "600"),
        ("FORGE_RATE_LIMIT", "0/minute"),
        ("FORGE_RATE_LIMIT", "10/fortnight"),
        ("FORGE_RATE_LIMIT", "1e9/minute"),
        ("FORGE_TRUSTED_PROXIES", "*"),
        ("FORGE_TRUSTED_PROXIES", "proxy.example"),
    ],
)
def test_a_bad_value_names_its_variable_and_what_is_accepted(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable) as caught:
        Settings.from_env({variable: text})

    assert variables()[variable].metadata["accepts"] in str(caught.value.hint)


def test_a_bad_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"FORGE_TOKENS": "viewer:hunter2"})

    assert "hunter2" not in str(caught.value)


def test_secrets_stay_out_of_the_representation() -> None:
    settings = Settings.from_env(
        {"DATABASE_URL": "postgres://u:hunter2@h/d", "FORGE_TOKENS": f"viewer:{TOKEN}"}
    )

    assert "hunter2" not in repr(settings)
    assert TOKEN not in repr(settings)


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_a_misspelt_variable_is_found() -> None:
    env = {
        "FORGE_TOKEN": "x",
        "FORGE_HOME": "/x",
        "FORGE_SMTP_HOST": "x",
        "FORGE_TEST_DSN": "x",
        "PATH": "/bin",
    }

    assert unknown_variables(env) == ["FORGE_TOKEN"]
