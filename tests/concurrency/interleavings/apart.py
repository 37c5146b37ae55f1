"""What is not one job: schedules, workers, tokens, revivals, settings, changes, conditions.

A family is one thing that several functions change. What they do to it is not told by a table:
each pair is played one after the other first, in both orders, and a race has to end like one of
these.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NOTHING = "-"


@dataclass(frozen=True, kw_only=True)
class Family:
    """`states`: what makes the thing that is called %(name)s, of type %(name)s, in queue %(name)s.

    `acts`: statements with one value of text. `look`: what is to be seen of the thing after it.
    `skips`: acts that pass by what somebody holds, with what they answer then.
    """

    name: str
    states: dict[str, str]
    acts: dict[str, str]
    look: str
    skips: dict[str, str] = field(default_factory=dict)


# How much it did is not told: it does the same for all that other races have left.
TICK = "select left(count(*)::text, 0) || '-' from forge.tick()"

_SCHEDULE = "select forge.schedule(%(name)s, '0 5 * * *', 't', queue => %(name)s)"
SCHEDULES = Family(
    name="schedule",
    states={
        "none": "select 1",
        "later": _SCHEDULE,
        "paused": f"{_SCHEDULE}; select forge.pause_schedule(%(name)s)",
        "due": f"{_SCHEDULE}; update forge.schedules as s set next_at = forge.now() - interval"
        " '1 second', due_at = forge.now() - interval '1 second' where s.name = %(name)s",
    },
    acts={
        "schedule": "select cron from forge.schedule("
        "%(name)s, '0 6 * * *', 't', queue => %(name)s)",
        "unschedule": "select cron from forge.unschedule(%(name)s)",
        "pause_schedule": "select (paused_at is null)::text from forge.pause_schedule(%(name)s)",
        "resume_schedule": "select (next_at is null)::text from forge.resume_schedule(%(name)s)",
        "run_schedule": "select (forge.run_schedule(%(name)s) > 0)::text",
        "tick": TICK,
    },
    look="""
        select concat_ws(' ',
            (select concat_ws(',', s.cron, s.paused_at is null, s.next_at > forge.now(),
                cardinality(s.live_jobs), s.last_job_id is null)
             from forge.schedules as s where s.name = %(name)s),
            (select count(*) from forge.jobs as j where j.queue = %(name)s))
    """,
    skips={"tick": NOTHING},
)

_REGISTER = "select forge.register_worker(%(name)s, array[%(name)s], liveness => false)"
WORKERS = Family(
    name="worker",
    states={
        "none": "select 1",
        "there": _REGISTER,
        "draining": f"{_REGISTER}; select forge.drain_worker(%(name)s)",
        "silent": f"{_REGISTER}; update forge.workers as w set heartbeat_at = forge.now()"
        " - interval '1 day' where w.worker = %(name)s",
    },
    acts={
        "register_worker": f"{_REGISTER}::text",
        "unregister_worker": "select forge.unregister_worker(%(name)s)::text",
        "drain_worker": "select count(*)::text from forge.drain_worker(%(name)s)",
        "resume_worker": "select count(*)::text from forge.resume_worker(%(name)s)",
        "heartbeat": "select count(*)::text from forge.heartbeat(%(name)s)",
        "tick": TICK,
    },
    look="select concat_ws(',', w.draining_at is null, w.missing_since is null,"
    " w.heartbeat_at = forge.now()) from forge.workers as w where w.worker = %(name)s",
    skips={"tick": NOTHING},
)

_TOKEN = "select forge.create_token('viewer', %(name)s)"
_ITS_ID = "(select t.id from forge.tokens as t where t.name = %(name)s order by t.id limit 1)"
TOKENS = Family(
    name="token",
    states={
        "live": _TOKEN,
        "revoked": f"{_TOKEN}; select forge.revoke_token({_ITS_ID})",
    },
    acts={
        "create_token": "select name from forge.create_token('viewer', %(name)s || ' new')",
        "revoke_token": f"select count(*)::text from forge.revoke_token({_ITS_ID})",
        "authenticate": "select count(*)::text from forge.authenticate("
        f"(select t.hash from forge.tokens as t where t.id = {_ITS_ID}))",
    },
    look="select string_agg(concat_ws(',', t.name, t.revoked_at is null), ' ' order by t.id)"
    " from forge.tokens as t where t.name like %(name)s || '%'",
)

_REVIVE = "select id::text from forge.retry_dead(%(name)s, rate => 0.001)"
_REVIVAL = (
    "(select r.id from forge.revivals as r where r.filter ->> 'queue' = %(name)s"
    " order by r.id limit 1)"
)
REVIVALS = Family(
    name="revival",
    states={
        "running": "select forge.enqueue('t', queue => %(name)s, max_retries => 0);"
        " select forge.fail(d.id, d.lease, 'no') from forge.dequeue(%(name)s, 'w') as d;"
        f" {_REVIVE}; update forge.revivals as r set credit = 5 where r.id = {_REVIVAL}",
        "ended": "select forge.enqueue('t', queue => %(name)s, max_retries => 0);"
        " select forge.fail(d.id, d.lease, 'no') from forge.dequeue(%(name)s, 'w') as d;"
        f" {_REVIVE}; select forge.cancel_revival({_REVIVAL})",
    },
    acts={
        "cancel_revival": f"select count(*)::text from forge.cancel_revival({_REVIVAL})",
        "retry_dead": f"select count(*)::text from ({_REVIVE}) as r",
        "tick": TICK,
    },
    look="""
        select concat_ws(' ',
            (select string_agg(concat_ws(',', r.status, r.revived), ' ' order by r.id)
             from forge.revivals as r where r.filter ->> 'queue' = %(name)s),
            (select count(*) from forge.jobs as j where j.queue = %(name)s))
    """,
    skips={"tick": NOTHING},
)

QUEUES = Family(
    name="queue",
    states={
        "none": "select 1",
        "set": "select forge.set_limits(%(name)s, max_running => 3);"
        " select forge.set_admission(%(name)s, max_depth => 3);"
        " select forge.pause(%(name)s, 'why');"
        ' select forge.set_retry_rules(\'[{"error": "no", "action": "permanent"}]\', %(name)s)',
    },
    acts={
        "set_queue": "select max_retries::text from forge.set_queue(%(name)s, max_retries => 7)",
        "set_limits": "select max_running::text from forge.set_limits(%(name)s, max_running => 7)",
        "unset_limits": "select coalesce(max_running::text, '-') from"
        " forge.set_limits(%(name)s, unset => '{max_running}')",
        "set_admission": "select max_depth::text from"
        " forge.set_admission(%(name)s, max_depth => 7)",
        "unset_admission": "select queue from"
        " forge.set_admission(%(name)s, unset => '{max_depth}')",
        "set_retry_rules": "select count(*)::text from forge.set_retry_rules("
        '\'[{"error": "a", "action": "permanent"}, {"error": "b", "action": "permanent"}]\','
        " %(name)s)",
        "pause": "select (paused_at is null)::text from forge.pause(%(name)s, 'because')",
        "resume": "select (paused_at is null)::text from forge.resume(%(name)s)",
        "drop_queue": "select forge.drop_queue(%(name)s)::text",
        "enqueue": "select (forge.enqueue('t', queue => %(name)s) > 0)::text",
        "dequeue": "select count(*)::text from forge.dequeue(%(name)s, 'w')",
    },
    look="""
        select concat_ws(' ',
            (select concat_ws(',', q.paused_at is null, q.max_retries, q.limited)
             from forge.queues as q where q.queue = %(name)s),
            (select concat_ws(',', l.max_running) from forge.limits as l where l.queue = %(name)s),
            (select a.max_depth from forge.admissions as a where a.queue = %(name)s),
            (select forge._is_open(%(name)s, 't')),
            (select string_agg(p.reason, ',' order by p.reason) from forge.pauses as p
             where p.queue = %(name)s),
            (select jsonb_array_length(r.rules) from forge.retry_rules as r
             where r.name = %(name)s),
            (select string_agg(j.status, ',') from forge.jobs as j where j.queue = %(name)s))
    """,
    skips={"drop_queue": "false"},  # two at once: only one may tick
)

TYPES = Family(
    name="type",
    states={
        "none": "create function public.%(plain)s(jsonb) returns jsonb language sql as 'select $1'",
        "set": "create function public.%(plain)s(jsonb) returns jsonb language sql as 'select $1';"
        " select forge.set_type(%(name)s, max_retries => 3);"
        ' select forge.set_schema(%(name)s, \'{"type": "object"}\');'
        " select forge.register_sql_handler(%(name)s, 'public.%(plain)s');"
        " select forge.set_retry_rules("
        '\'[{"error": "no", "action": "permanent"}]\', type => %(name)s)',
    },
    acts={
        "set_type": "select max_retries::text from forge.set_type(%(name)s, max_retries => 7)",
        "set_schema": 'select type from forge.set_schema(%(name)s, \'{"type": "object"}\')',
        "unset_schema": "select type from forge.set_schema(%(name)s, null)",
        "set_check": "select type from forge.set_check(%(name)s, null)",
        "set_retry_rules": "select count(*)::text from forge.set_retry_rules("
        '\'[{"error": "a", "action": "permanent"}]\', type => %(name)s)',
        "register_sql_handler": "select type from forge.register_sql_handler("
        "%(name)s, 'public.%(plain)s', timeout => '1 minute')",
        "unregister_sql_handler": "select forge.unregister_sql_handler(%(name)s)::text",
    },
    look="""
        select concat_ws(' ',
            (select concat_ws(',', t.max_retries, t.timeout) from forge.types as t
             where t.type = %(name)s),
            (select concat_ws(',', c.schema, c.function_name) from forge.payload_checks as c
             where c.type = %(name)s),
            (select forge._is_open('q', %(name)s)),
            (select concat_ws(',', h.function, h.problem) from forge.list_sql_handlers() as h
             where h.type = %(name)s),
            (select r.rules from forge.retry_rules as r where r.name = %(name)s))
    """,
)

WHOLE = Family(
    name="whole",
    states={
        "set": "select forge.set_retention('8 days', '9 days'); select forge.set_log('8 days', 80)",
    },
    acts={
        "set_retention": "select history::text from forge.set_retention(history => '10 days')",
        "unset_retention": "select coalesce(dead::text, '-') from"
        " forge.set_retention(unset => '{dead}')",
        "set_log": "select lines::text from forge.set_log(lines => 100)",
        "set_log_retention": "select retention::text from forge.set_log(retention => '5 days')",
    },
    look="select concat_ws(',', s.history_retention, s.dead_retention, l.retention, l.lines)"
    " from forge.settings as s, forge.log_settings as l",
)

_TABLE = "create table public.%(plain)s (a integer)"
_WATCH = "forge.on_change('public.%(plain)s', type => %(name)s, queue => %(name)s)"
CHANGES = Family(
    name="change",
    states={"none": _TABLE, "watched": f"{_TABLE}; select {_WATCH}"},
    acts={
        "on_change": f"select type from {_WATCH}",
        "off_change": "select forge.off_change(relation => 'public.%(plain)s')::text",
        "write": "insert into public.%(plain)s values (1) returning '-'",
    },
    look="""
        select concat_ws(' ',
            (select count(*) from pg_trigger where tgrelid = 'public.%(plain)s'::regclass),
            (select count(*) from forge.jobs as j where j.queue = %(name)s))
    """,
)

_WHEN = (
    "select forge.run_when('t', '{}', queue => %(name)s, options => '{{\"unique_key\": \"k\"}}')"
)
_WAITING = "(select a.id from forge.all_jobs as a where a.queue = %(name)s)"
CONDITIONS = Family(
    name="condition",
    states={"holds": _WHEN.format("true"), "fails": _WHEN.format("false")},
    acts={
        "tick": TICK,
        "cancel": f"select count(*)::text from forge.cancel({_WAITING})",
        "edit": f"select status from forge.edit({_WAITING}, priority => 5)",
        "run_when": _WHEN.format("true").replace("select ", "select case when ", 1)
        + " > 0 then '-' end",
    },
    look="""
        select concat_ws(' ',
            (select string_agg(concat_ws(',', j.status, j.priority), ' ' order by j.id)
             from forge.jobs as j where j.queue = %(name)s),
            (select string_agg(h.status, ' ') from forge.history as h where h.queue = %(name)s))
    """,
    skips={"tick": NOTHING},
)

FAMILIES = [
    SCHEDULES, WORKERS, TOKENS, REVIVALS, QUEUES, TYPES, WHOLE, CHANGES, CONDITIONS,
]  # fmt: skip
