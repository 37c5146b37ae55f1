"""Proves over journals, witness and tables that Forge kept its word; else says where it did not.

Each rule is one function that yields a sentence for each breach. Nothing in here knows how Forge
works inside: only what it promises. A call whose answer never came may have worked or not, but not
both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tests.chaos.evidence import Evidence, claims_of
from tests.chaos.journal import DONE, REFUSED, UNDONE, UNKNOWN
from tests.chaos.moves import Move

LIVE = ("WAITING", "PENDING", "PROCESSING")
FAILED = {"CANCELLED", "DEAD"}
ENDED = {"COMPLETED", *FAILED}
GIVES_BACK = ("release", "snooze")
# Forge's own errors, and that somebody cancelled the statement or the server had no room.
EXPECTED = ("JQ", "57014", "53")
# and to a caller in SERIALIZABLE, that another was faster
STRICT = ("40001",)
# A claim may miss a job that was committed late until the next full sweep, every second or so.
SWEPT = 5.0
# So long after it was sent a call without an answer has ended one way or the other.
GONE = 10.0


@dataclass(frozen=True)
class Finding:
    rule: str
    says: str


Rule = Callable[[Evidence], Iterator[str]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    RULES.append(function)
    return function


def check(evidence: Evidence) -> list[Finding]:
    """All breaches of all rules."""
    return [Finding(each.__name__, says) for each in RULES for says in each(evidence)]


@rule
def no_acknowledged_enqueue_is_lost(evidence: Evidence) -> Iterator[str]:
    there = {lies.id for lies in evidence.lie}
    for call in evidence.said("enqueue"):
        for nonce, id in call.told["ids"].items():
            if id not in there:
                yield f"job {id} ({nonce}) was acknowledged to {call.who} and is nowhere"


@rule
def what_was_rolled_back_never_was(evidence: Evidence) -> Iterator[str]:
    there = {lies.nonce: lies.id for lies in evidence.lie}
    there |= {move.nonce: move.id for move in evidence.changes}
    for outcome in (UNDONE, REFUSED):
        for call in evidence.said("enqueue", outcome=outcome):
            for nonce in call.asked["nonces"]:
                if nonce in there:
                    yield f"job {there[nonce]} ({nonce}) is there, and its enqueue was {outcome}"


@rule
def nothing_comes_from_nowhere(evidence: Evidence) -> Iterator[str]:
    asked = {nonce for call in evidence.calls for nonce in call.asked.get("nonces", ())}
    scheduled = {move.id for move in evidence.moves if move.schedule is not None}
    born: Counter[str | None] = Counter()
    for lies in evidence.lie:
        if lies.id in scheduled:
            continue
        if lies.nonce not in asked:
            yield f"job {lies.id} ({lies.nonce}) is there, and nobody enqueued it"
        born[lies.nonce] += 1
    for nonce, times in born.items():
        if times > 1:
            yield f"{nonce} was enqueued once and is there {times} times"


@rule
def a_call_is_done_in_whole_or_not_at_all(evidence: Evidence) -> Iterator[str]:
    for call in evidence.said("enqueue", outcome=UNKNOWN):
        jobs = call.asked.get("jobs", {})
        # Where a key was taken, a job may be another's.
        own = [nonce for nonce in call.asked["nonces"] if "unique_key" not in jobs.get(nonce, ())]
        came = [nonce for nonce in own if nonce in evidence.births]
        if 0 < len(came) < len(own):
            yield f"of {len(own)} jobs of one call of {call.who}, {len(came)} came: {came}"


@rule
def a_replacement_comes_before_the_run(evidence: Evidence) -> Iterator[str]:
    """What was said under a key and acknowledged is what a job carries that is still to run."""
    waiting = {move.nonce for move in evidence.changes if move.came in ("WAITING", "PENDING")}
    for call in evidence.said("enqueue"):
        jobs = call.asked.get("jobs", {}).items()
        # The last of each key, as one call may say several of it.
        said = {job["unique_key"]: nonce for nonce, job in jobs if job.get("on_conflict")}
        for key, nonce in said.items():
            if nonce not in waiting:
                yield f"{nonce} was to replace {key}, and no job carries it"


@rule
def every_job_lies_where_its_moves_led(evidence: Evidence) -> Iterator[str]:
    """Enqueued = live + finished + dead + discarded, job by job."""
    places = {"jobs": LIVE, "history": ("COMPLETED", "CANCELLED", "DEAD"), "dead_jobs": ("DEAD",)}
    there: dict[int, list[str]] = defaultdict(list)
    for lies in evidence.lie:
        there[lies.id].append(lies.status)
        if lies.status not in places[lies.table]:
            yield f"job {lies.id} is {lies.status} in {lies.table}"
        if lies.id not in evidence.by_job:
            yield f"job {lies.id} lies in {lies.table}, and nobody saw it come"
    for id, moves in evidence.by_job.items():
        if there[id] != [moves[-1].came]:
            yield f"job {id} went to {moves[-1].came} and lies at {there[id] or 'no place'}"


@rule
def statuses_move_only_along_transitions(evidence: Evidence) -> Iterator[str]:
    for id, moves in evidence.by_job.items():
        before: str | None = None
        for move in moves:
            if (move.gone, move.came, move.rule) not in evidence.transitions:
                yield f"job {id} went from {move.gone} to {move.came} by {move.by}"
            if move.gone != before:
                yield f"job {id} left {move.gone} by {move.by}, and was {before}"
            before = move.came


@rule
def a_job_runs_under_one_live_lease(evidence: Evidence) -> Iterator[str]:
    """Between two claims the first has ended: by its holder, or by the tick and rightly so."""
    for id, moves in evidence.by_job.items():
        held: Move | None = None
        for move in moves:
            if move.came == "PROCESSING":
                if held is not None:
                    yield f"job {id} was claimed as {move.lease} and as {held.lease} at once"
                held = move
            elif move.gone == "PROCESSING":
                if held is None or held.lease != move.lease:
                    yield f"job {id} was ended under {move.lease}, which was not its claim"
                held = None
                yield from _ended_early(move, evidence)


def _ended_early(move: Move, evidence: Evidence) -> Iterator[str]:
    if move.rule != "tick":
        return
    assert move.lease_expires_at is not None
    if move.error_type == "WorkerLost":
        if not _is_registered(move, evidence):
            yield f"job {move.id} was taken from {move.worker}, which never held a liveness lock"
    elif move.lease_expires_at > move.at:
        yield f"job {move.id} was taken from {move.worker} before its lease was over"


def _is_registered(move: Move, evidence: Evidence) -> bool:
    return (move.worker or "").startswith(tuple(evidence.rules.registered))


@rule
def a_lease_is_ended_once_and_by_its_holder(evidence: Evidence) -> Iterator[str]:
    """Acknowledged ends happened, refused ones did not, and nothing ended that nobody asked for."""
    happened: dict[tuple[int, str], list[Move]] = defaultdict(list)
    for move in evidence.moves:
        if move.gone == "PROCESSING" and move.lease is not None:
            happened[move.id, move.lease].append(move)
    for (id, lease), moves in happened.items():
        if len(moves) > 1:
            yield f"job {id} was ended {len(moves)} times under {lease}"
    for (id, lease), ends in evidence.end_calls.items():
        moves = happened[id, lease]
        done = [end for end in ends if end.outcome == DONE]
        for end in done:
            if (end.by, end.status) not in {(move.rule, move.came) for move in moves}:
                yield f"job {id}: {end.by} was acknowledged as {end.status} and did not happen"
        if len(done) > 1:
            yield f"job {id}: {len(done)} ends under {lease} were acknowledged"
        for end in ends:
            if end.outcome == UNDONE and ("complete", "COMPLETED") not in {
                (move.rule, move.came) for move in moves
            }:
                yield f"job {id}: {end.by} says that it had been done before, and it had not"
            # complete alone promises to recognise itself
            if end.call.name == "complete" and end.call.told == "JQ002":
                for move in moves:
                    if move.rule == "complete" and move.at.timestamp() < end.call.sent:
                        yield f"job {id}: complete was refused, and {lease} had completed it"
        asked = {end.by for end in ends if end.outcome in (DONE, UNKNOWN)}
        for move in moves:
            if _is_registered(move, evidence):
                continue  # those keep no journal of their calls
            if move.rule != "tick" and move.rule not in asked:
                yield f"job {id}: {move.by} under {lease} happened, and nobody was told that it did"


@rule
def a_heartbeat_tells_the_truth(evidence: Evidence) -> Iterator[str]:
    """Who is not told that a lease is lost has it, for so long again; who is told has it not."""
    claimed = {(m.id, m.lease): m for m in evidence.moves if m.came == "PROCESSING"}
    ended = {(m.id, m.lease): m for m in evidence.moves if m.gone == "PROCESSING"}
    for call in evidence.said("heartbeat"):
        pairs = list(zip(call.asked["ids"], call.asked["leases"], strict=True))
        named = Counter(id for id, _ in pairs)
        lost = {row["id"] for row in call.told if row["reason"] == "lease_lost"}
        for pair in pairs:
            id, lease = pair
            end = ended.get(pair)
            over = end.at.timestamp() if end is not None else float("inf")
            if id not in lost:
                if pair not in claimed or over < call.sent:
                    yield f"{call.who} was not told that {lease} of job {id} was lost"
                elif (
                    end is not None
                    and (end.rule, end.error_type) == ("tick", "LeaseExpired")
                    and over < call.sent + call.asked["extend"]
                ):
                    yield f"job {id} was taken from {call.who} after a heartbeat"
            elif named[id] == 1 and pair in claimed and over > call.until:
                yield f"{call.who} was told that {lease} of job {id} was lost, and it was not"


@rule
def progress_counts_under_the_lease_only(evidence: Evidence) -> Iterator[str]:
    claimed = {(m.id, m.lease): m for m in evidence.moves if m.came == "PROCESSING"}
    ended = {(m.id, m.lease): m for m in evidence.moves if m.gone == "PROCESSING"}
    for call in evidence.calls:
        if call.name != "progress":
            continue
        ((id, lease),) = zip(call.asked["ids"], call.asked["leases"], strict=True)
        claim, end = claimed.get((id, lease)), ended.get((id, lease))
        if call.outcome == DONE:
            if claim is None or (end is not None and end.at.timestamp() < call.sent):
                yield f"progress of job {id} under {lease} was taken, which was over"
        elif (
            call.told == "JQ002"
            and claim is not None
            and (end is None or end.at.timestamp() > call.until)
        ):
            yield f"progress of job {id} under {lease} was refused, which was current"


@rule
def what_was_completed_stays_so_with_its_result(evidence: Evidence) -> Iterator[str]:
    there = {lies.id: lies for lies in evidence.lie}
    for (id, lease), ends in evidence.end_calls.items():
        for end in ends:
            if end.outcome != DONE or end.status != "COMPLETED" or id not in there:
                continue
            lies = there[id]
            if (lies.status, lies.lease) != ("COMPLETED", lease):
                yield f"job {id}, completed under {lease}, is {lies.status} under {lies.lease}"
            expected = end.call.asked.get("result")
            if expected is not None and lies.result != expected:
                yield f"job {id} was completed with {expected} and has {lies.result}"


@rule
def what_was_claimed_is_what_was_seen(evidence: Evidence) -> Iterator[str]:
    seen = {(move.id, move.lease): move for move in evidence.moves if move.came == "PROCESSING"}
    told = Counter((claim.id, claim.lease) for claim in claims_of(evidence.calls))
    for (id, lease), times in told.items():
        if (id, lease) not in seen:
            yield f"job {id} was handed out under {lease}, and nobody saw it claimed"
        if times > 1:
            yield f"job {id} was handed out {times} times under {lease}"
    for claim in claims_of(evidence.calls):
        move = seen.get((claim.id, claim.lease))
        if move is not None and move.attempts != claim.attempts:
            yield f"job {claim.id} was handed out as attempt {claim.attempts} of {move.attempts}"


@rule
def handlers_run_what_was_claimed_and_once(evidence: Evidence) -> Iterator[str]:
    seen = {(move.id, move.lease) for move in evidence.moves if move.came == "PROCESSING"}
    ran: Counter[tuple[int, str]] = Counter()
    for call in evidence.calls:
        if call.name == "run":
            ran[call.asked["id"], call.asked["lease"]] += 1
    for (id, lease), times in ran.items():
        if (id, lease) not in seen:
            yield f"a handler ran job {id} under {lease}, and nobody saw it claimed"
        if times > 1:
            yield f"handlers ran job {id} {times} times under {lease}"


@rule
def refusals_are_documented(evidence: Evidence) -> Iterator[str]:
    for call in evidence.calls:
        strict = STRICT if call.asked.get("strict") else ()
        if call.outcome == REFUSED and not str(call.told).startswith((*EXPECTED, *strict)):
            yield f"{call.name} of {call.who} was refused with {call.told}"


@rule
def attempts_stay_within_the_policy(evidence: Evidence) -> Iterator[str]:
    for id, moves in evidence.by_job.items():
        attempts = counted = 0
        for move in moves:
            if move.rule == "retry" and move.gone != "PENDING":
                attempts, counted = move.attempts, 0
            elif move.came == "PROCESSING":
                counted += 1
                if move.attempts != attempts + 1:
                    yield f"job {id} was claimed as attempt {move.attempts} after {attempts}"
            elif move.gone == "PROCESSING" and move.came == "PENDING" and move.rule in GIVES_BACK:
                counted -= 1
                if move.attempts != attempts - 1:
                    yield f"job {id}: {move.by} left {move.attempts} attempts of {attempts}"
            elif move.attempts != attempts:
                yield f"job {id} has {move.attempts} attempts after {move.by}, and had {attempts}"
            attempts = move.attempts
            limit = evidence.rules.max_retries if move.max_retries is None else move.max_retries
            if counted > limit + 1:
                yield f"job {id} is at attempt {counted}, and {limit + 1} are allowed"
            if move.came == "DEAD" and move.rule == "tick" and counted != limit + 1:
                yield f"job {id} died in a tick at attempt {counted} of {limit + 1}"


@rule
def unique_keys_never_live_twice(evidence: Evidence) -> Iterator[str]:
    holders: dict[tuple[str | None, str], int] = {}
    keys: dict[int, tuple[str | None, str]] = {}
    for move in evidence.changes:
        if move.unique_key is None:
            # It gave up its key to another.
            if holders.get(keys.get(move.id, (None, ""))) == move.id:
                del holders[keys.pop(move.id)]
            continue
        key = (move.unique_scope, move.unique_key)
        holder = holders.get(key)
        if move.came in LIVE:
            if holder not in (None, move.id):
                yield f"jobs {holder} and {move.id} both live with the key {move.unique_key}"
            holders[key] = move.id
            keys[move.id] = key
        elif holder == move.id:
            del holders[key]


@rule
def caps_are_never_exceeded(evidence: Evidence) -> Iterator[str]:
    rules = evidence.rules
    running: Counter[tuple[str, str | None]] = Counter()
    for move in evidence.moves:
        places = [(move.queue, None), (move.queue, move.key)] if move.key else [(move.queue, None)]
        if move.gone == "PROCESSING":
            running.subtract(places)
        if move.came != "PROCESSING":
            continue
        running.update(places)
        for queue, key in places:
            caps = rules.max_running if key is None else rules.key_max_running
            most = 1 if key is not None and queue in rules.in_order else caps.get(queue)
            if most is not None and running[queue, key] > most:
                yield f"{running[queue, key]} jobs of {queue}/{key} ran at once, not {most}"


@rule
def rates_are_never_exceeded(evidence: Evidence) -> Iterator[str]:
    for queue, (most, per) in evidence.rules.rates.items():
        starts = sorted(
            move.attempted_at
            for move in evidence.moves
            if move.queue == queue and move.came == "PROCESSING" and move.attempted_at is not None
        )
        for first, last in zip(starts, starts[most:], strict=False):
            if last - first < per:
                yield f"more than {most} jobs of {queue} started within {per} of {first}"


@rule
def keys_are_worked_off_in_order(evidence: Evidence) -> Iterator[str]:
    acknowledged = _acknowledged_at(evidence)
    sent = {(claim.id, claim.lease): claim.call.sent for claim in claims_of(evidence.calls)}
    waiting: dict[tuple[str, str], dict[int, Move]] = defaultdict(dict)
    for move in evidence.moves:
        if move.key is None or move.queue not in evidence.rules.in_order:
            continue
        line = waiting[move.queue, move.key]
        asked = sent.get((move.id, move.lease or "")) if move.came == "PROCESSING" else None
        for id, first in line.items():
            # One that was revived joined the line later than its id says.
            known = acknowledged.get(id, float("inf"))
            if asked is not None and id < move.id and known < asked and not first.revivals:
                yield f"job {move.id} of {move.key} started while {id} was still to run"
        if move.came in LIVE:
            line[move.id] = move
        else:
            line.pop(move.id, None)


def _acknowledged_at(evidence: Evidence) -> dict[int, float]:
    """When the enqueue of a job was known to be committed."""
    known: dict[int, float] = {}
    for call in evidence.said("enqueue"):
        for id in call.told["ids"].values():
            known[id] = min(call.until, known.get(id, float("inf")))
    return known


@rule
def priorities_are_respected(evidence: Evidence) -> Iterator[str]:
    """No claim takes a job while a more urgent one is due and free, for long enough to be seen."""
    claims = {(claim.id, claim.lease): claim.call for claim in claims_of(evidence.calls)}
    unclear = [
        call
        for call in evidence.calls
        if call.name in ("dequeue", "exchange") and call.outcome != DONE
    ]
    free: dict[str, dict[int, Move]] = defaultdict(dict)
    for move in evidence.moves:
        if move.queue not in evidence.rules.by_priority:
            continue
        call = claims.get((move.id, move.lease or "")) if move.came == "PROCESSING" else None
        for other in free[move.queue].values() if call is not None else ():
            if other.priority <= move.priority or call is None:
                continue
            if (other.id, move.lease) in claims:
                continue  # the same claim takes it too, in whatever order
            since = max(other.at, other.scheduled_at) + timedelta(seconds=SWEPT)
            # A claim that came to nothing may have held the row, and others skipped it.
            if since.timestamp() < call.sent and not any(
                doubt.sent < call.until and min(doubt.until, doubt.sent + GONE) > call.sent - SWEPT
                for doubt in unclear
            ):
                yield f"job {move.id} at {move.priority} went before {other.id} at {other.priority}"
        if move.came == "PENDING":
            free[move.queue][move.id] = move
        else:
            free[move.queue].pop(move.id, None)


@rule
def children_wait_for_their_parents(evidence: Evidence) -> Iterator[str]:
    """A job of a flow is due or cancelled by what came of its parents, or by an operator."""
    for id, parents in evidence.parents.items():
        for move in evidence.by_job[id]:
            if move.rule in ("retry", "cancel"):
                break
            if move.gone not in (None, "WAITING") or move.came == "WAITING":
                continue
            ends = {
                parent: {end.came for end in evidence.by_job[parent] if end.n < move.n} & ENDED
                for parent in parents.ids
            }
            if move.came == "CANCELLED":
                if parents.policy != "cancel" or not any(FAILED & end for end in ends.values()):
                    yield f"job {id} was cancelled by {move.by}, and no parent had failed"
                continue
            enough = ENDED if parents.policy == "run" else {"COMPLETED"}
            for parent in [parent for parent, end in ends.items() if not enough & end]:
                yield f"job {id} was let go by {move.by}, and its parent {parent} had not ended so"


@rule
def each_run_of_a_schedule_comes_once(evidence: Evidence) -> Iterator[str]:
    """Not before its time, not twice, and where missed runs are made up for, none is left out."""
    runs: dict[str, list[datetime]] = defaultdict(list)
    for move in evidence.moves:
        if move.gone is None and move.by == "tick" and move.schedule and move.nominal_at:
            runs[move.schedule].append(move.nominal_at)
            if move.at < move.nominal_at:
                yield f"the run of {move.schedule} at {move.nominal_at} came at {move.at}"
    for name, times in runs.items():
        every = evidence.rules.schedules.get(name)
        for before, after in pairwise(sorted(times)):
            if before == after:
                yield f"the run of {name} at {after} came twice"
            elif every is not None and after - before != every:
                yield f"between {before} and {after} no run of {name} came"


@rule
def runs_do_not_overlap(evidence: Evidence) -> Iterator[str]:
    live: dict[str, set[int]] = defaultdict(set)
    for move in evidence.moves:
        if move.schedule not in evidence.rules.no_overlap or move.schedule is None:
            continue
        # What an operator revives is live beside the run that came after it.
        if move.gone is None and move.by == "tick" and live[move.schedule]:
            yield f"a run of {move.schedule} came while {live[move.schedule]} was live"
        if move.came in LIVE and not move.revivals:
            live[move.schedule].add(move.id)
        else:
            live[move.schedule].discard(move.id)
