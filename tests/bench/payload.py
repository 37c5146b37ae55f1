"""The one payload that every subject is given, and the name under which Forge handles it."""

from __future__ import annotations

import json

BYTES = 200
TYPE = "bench"
QUEUE = "default"

_FIELDS = {"to": "someone@example.com", "subject": "Your report of October is ready", "body": ""}
_PAD = "x" * (BYTES - len(json.dumps(_FIELDS)))

PAYLOAD = {**_FIELDS, "body": _PAD}
PAYLOAD_TEXT = json.dumps(PAYLOAD)
assert len(PAYLOAD_TEXT) == BYTES
