"""`make bench`: Forge, bare SQL and other queues, measured side by side on one server."""
