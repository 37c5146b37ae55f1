"""`forge up`: PostgreSQL, the API, the dashboard and workers in one process tree."""

from forge.up.run import Plan, run

__all__ = ["Plan", "run"]
