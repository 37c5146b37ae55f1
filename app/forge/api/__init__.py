"""The HTTP API, the event stream and the dashboard's files, as one Litestar application."""

from forge.api.app import create_app
from forge.api.server import serve

__all__ = ["create_app", "serve"]
