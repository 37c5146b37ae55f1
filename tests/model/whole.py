"""The machine that knows all that becomes of single jobs."""

from __future__ import annotations

from typing import Any

from tests.model.editing import Editing
from tests.model.flows import Flowing
from tests.model.machine import Machine
from tests.model.reviving import Reviving
from tests.model.wishes import QUEUES


class Whole(Flowing, Editing, Reviving, Machine):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.batches = []
        self.revivals = []
        self.logs = {}
        self.heard_at = self.model.now

    def queue_to_claim_from(self, count: int) -> str:
        """One that has something, now rather the one, now the other."""
        queues = QUEUES if count < 3 else QUEUES[::-1]
        return next((queue for queue in queues if self.model.next_up(1, queue)), queues[0])

    def tick(self) -> None:
        super().tick()
        self.forget_silent_worker()
        self.work_off_revivals()

    def heartbeat(self, picks: list[int], extend: Any) -> None:
        super().heartbeat(picks, extend)
        self.heard_at = self.model.now

    def teardown(self) -> None:
        try:
            self.logs_are_those_of_the_model()
            self.revivals_are_those_of_the_model()
        finally:
            super().teardown()
