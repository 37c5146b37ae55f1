"""The built-in handlers: `email`, `webhook` and `report`."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from forge.models import Job

Handler = Callable[[Job], Awaitable[dict[str, Any] | None]]


def builtin(database_url: str, env: Mapping[str, str] = os.environ) -> dict[str, Handler]:
    """The handlers that this environment configures, by job type.

    `report` is missing unless FORGE_REPORT_DIR is set: its jobs wait for a worker that has it.
    Raises SettingsError for a variable that cannot be used. `database_url` is where reports look
    when FORGE_REPORT_URL is not set.
    """
    # Imported here, as httpx and aiosmtplib cost a tenth of a second that only a worker needs.
    from forge.handlers.config import EmailConfig, ReportConfig, WebhookConfig, from_env
    from forge.handlers.email import EmailHandler
    from forge.handlers.report import ReportHandler
    from forge.handlers.webhook import WebhookHandler

    handlers: dict[str, Handler] = {
        "email": EmailHandler(from_env(EmailConfig, env)),
        "webhook": WebhookHandler(from_env(WebhookConfig, env)),
    }
    reports = from_env(ReportConfig, env)
    if reports.directory is not None:
        handlers["report"] = ReportHandler(reports, reports.directory, reports.url or database_url)
    return handlers
