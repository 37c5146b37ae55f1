"""Forge: a PostgreSQL job queue whose logic is SQL."""
