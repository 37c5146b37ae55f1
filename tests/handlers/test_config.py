"""What the handlers read from the environment, and which of them there are."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from forge.environment import SettingsError
from forge.handlers import builtin
from forge.handlers.config import (
    ENV,
    EVERYWHERE,
    EmailConfig,
    ReportConfig,
    WebhookConfig,
    from_env,
)
from forge.handlers.report import ReportHandler
from forge.handlers.signing import signature


def test_without_settings_there_is_no_report_handler() -> None:
    assert list(builtin("postgres://queue", {})) == ["email", "webhook"]


def test_a_directory_turns_reports_on_and_the_queues_database_is_theirs(tmp_path: Path) -> None:
    handler = builtin("postgres://queue", {"FORGE_REPORT_DIR": str(tmp_path)})["report"]

    assert isinstance(handler, ReportHandler)
    assert handler.directory == tmp_path
    assert handler.url == "postgres://queue"


def test_reports_can_have_a_database_of_their_own(tmp_path: Path) -> None:
    env = {"FORGE_REPORT_DIR": str(tmp_path), "FORGE_REPORT_URL": "postgres://replica"}
    handler = builtin("postgres://queue", env)["report"]

    assert isinstance(handler, ReportHandler)
    assert handler.url == "postgres://replica"


@pytest.mark.parametrize(
    ("env", "security", "port"),
    [
        ({}, "auto", 25),
        ({"FORGE_SMTP_USER": "u"}, "starttls", 587),
        ({"FORGE_SMTP_USER": "u", "FORGE_SMTP_SECURITY": "none"}, "none", 25),
        ({"FORGE_SMTP_SECURITY": "TLS"}, "tls", 465),
        ({"FORGE_SMTP_SECURITY": "tls", "FORGE_SMTP_PORT": "2465"}, "tls", 2465),
    ],
)
def test_smtp_security_and_its_usual_port(env: dict[str, str], security: str, port: int) -> None:
    config = from_env(EmailConfig, env)

    assert (config.security, config.port) == (security, port)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", ()),
        ("false", ()),
        ("true", EVERYWHERE),
        ("10.1.0.0/16, ::1", (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1"))),
    ],
)
def test_private_networks_are_allowed_by_name(text: str, allowed: object) -> None:
    assert from_env(WebhookConfig, {"FORGE_WEBHOOK_ALLOW_PRIVATE": text}).allowed == allowed


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        (EmailConfig, "FORGE_SMTP_PORT", "70000"),
        (EmailConfig, "FORGE_SMTP_SECURITY", "ssl3"),
        (EmailConfig, "FORGE_SMTP_TIMEOUT", "nan"),
        (WebhookConfig, "FORGE_WEBHOOK_SECRET", "whsec_c2hvcnQ="),
        (WebhookConfig, "FORGE_WEBHOOK_SECRET", "whsec_***"),
        (WebhookConfig, "FORGE_WEBHOOK_ALLOW_PRIVATE", "10.1.0.1/16"),
        (WebhookConfig, "FORGE_WEBHOOK_ALLOW_PRIVATE", "example.com"),
        (ReportConfig, "FORGE_REPORT_MAX_ROWS", "0"),
        (ReportConfig, "FORGE_REPORT_ALLOW_SUPERUSER", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(config: type, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        from_env(config, {name: value})

    assert (value in str(caught.value)) == ("SECRET" not in name)


def test_secrets_do_not_show_in_a_configuration() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    env = {"FORGE_WEBHOOK_SECRET": secret, "FORGE_SMTP_PASSWORD": "pass-word"}
    webhook, email = from_env(WebhookConfig, env), from_env(EmailConfig, env)

    assert "pass-word" not in repr(email)
    assert repr(webhook.secrets[0]) not in repr(webhook)


def test_every_variable_is_told_with_its_purpose() -> None:
    assert all(re.fullmatch(r"FORGE_(SMTP|WEBHOOK|REPORT)_[A-Z_]+", name) for name in ENV)
    assert all(ENV.values())


@pytest.mark.parametrize("padding", ["", "="])
def test_a_signature_is_that_of_the_reference_library(padding: str) -> None:
    secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDf6Cx4uzBNw4"
    config = from_env(WebhookConfig, {"FORGE_WEBHOOK_SECRET": secret + padding})
    at = datetime(2030, 1, 2, tzinfo=UTC)

    signed = signature(config.secrets, "job_1-5f", int(at.timestamp()), '{"ü": 1}'.encode())

    assert signed == Webhook(secret).sign("job_1-5f", at, '{"ü": 1}')
