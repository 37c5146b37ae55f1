-- Warnings: what an operator should read now, cheap enough for a look every few seconds.
--
-- The part of the doctor's findings that comes and goes by itself; the rest is about the installation.
-- Locks: none. Called by: the API's event stream, psql.

create or replace function forge.warnings()
returns setof forge.finding
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
set enable_seqscan = off
set jit = off
as $function$
declare
    v_now constant timestamptz := forge.now();
    v_found constant forge.finding[] := array(select f from forge._ailing_queues(v_now) as f);
begin
    return query
    select f.*
    from (
        select u.* from unnest(v_found) as u
        union all
        select
            'paused', 'info', format('the queue %s is paused %s', q.queue, forge._since(q.paused_at)),
            'forge.resume lets it go on', q.queue, q.paused_at
        from forge.queues as q
        where q.paused_at is not null
            and not exists (
                select from unnest(v_found) as u where u.code = 'paused_with_work' and u.queue = q.queue
            )
        union all
        select s.* from forge._ailing_schedules() as s
        union all
        select t.* from forge._ailing_transactions(v_now) as t
    ) as f
    order by f.severity = 'info', f.code, f.queue, f.since, f.sentence
    limit 100;
end;
$function$;
comment on function forge.warnings() is
'What an operator should read now: queues without workers, paused ones, failing schedules, long transactions.

Transactions of other users are seen only by an owner who may: pg_read_all_stats. What forge.doctor says of
the installation and of the settings of the server is not among it.
Returns: code, severity (warning, info), sentence, hint (what to do), queue and since, where there are such:
warnings before remarks, 100 at most; none where all is well.
Example: select code, sentence, since from forge.warnings();';
