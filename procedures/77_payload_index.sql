-- Indexes on payloads, for who looks jobs up by them often: made and dropped by their owner, never by Forge.
--
-- job_payload_idx, history_payload_idx and dead_job_payload_idx are what searches look for. They are built
-- beside running work ("concurrently"), which no function may do: so this one says what to run. Locks: none.
-- Raises: JQ001.

create or replace function forge._index_payload(
    relation regclass,
    index_name text,
    parent regclass default null
)
returns setof text
language plpgsql stable
as $function$
declare
    v_index constant regclass := to_regclass(format('forge.%I', index_name));
    v_valid boolean;
begin
    select i.indisvalid into v_valid from pg_index as i where i.indexrelid = v_index;
    if v_valid is false then      -- a build that broke off
        return next format('drop index concurrently forge.%I', index_name);
    end if;
    if v_valid is not true then
        return next format(
            'create index concurrently %I on %s using gin (payload jsonb_path_ops)', index_name, relation
        );
    end if;
    if parent is not null then
        return next format('alter index forge.history_payload_idx attach partition forge.%I', index_name);
    end if;
end;
$function$;
comment on function forge._index_payload(regclass, text, regclass) is
'The statements that build the index of one table, and attach it to the one of a partitioned table. Internal.';

create or replace function forge._index_history()
returns setof text
language plpgsql stable
as $function$
declare
    v_day record;
begin
    if to_regclass('forge.history_payload_idx') is null then
        -- Of no use by itself, but each day that is made from now on gets its own with it.
        return next
            'create index history_payload_idx on only forge.history using gin (payload jsonb_path_ops)';
    end if;
    for v_day in
        select c.oid::regclass as relation, c.relname || '_payload_idx' as index_name
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'forge.history'::regclass
            and not exists (
                select
                from pg_inherits as a
                join pg_index as x on x.indexrelid = a.inhrelid
                where a.inhparent = to_regclass('forge.history_payload_idx') and x.indrelid = c.oid
            )
        order by c.relname
    loop
        return query
        select s.statement
        from forge._index_payload(v_day.relation, v_day.index_name, 'forge.history') as s (statement);
    end loop;
end;
$function$;
comment on function forge._index_history() is
'The statements that index the payloads of the history, day by day. Internal.';

create or replace function forge.index_payloads(
    tables text[] default '{history,dead_jobs}'
)
returns setof text
language plpgsql stable security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
declare
    v_table text;
    v_index text;
begin
    if (index_payloads.tables <@ '{jobs,history,dead_jobs}'::text[]) is not true then
        perform forge._invalid('tables', index_payloads.tables::text, 'use jobs, history and dead_jobs');
    end if;
    foreach v_table in array array['jobs', 'history', 'dead_jobs'] loop
        v_index := case v_table
            when 'jobs' then 'job_payload_idx'
            when 'history' then 'history_payload_idx'
            else 'dead_job_payload_idx'
        end;
        if v_table <> all(index_payloads.tables) then
            if to_regclass('forge.' || v_index) is not null then
                return next format(
                    'drop index %sforge.%I', case when v_table <> 'history' then 'concurrently ' end, v_index
                );
            end if;
        elsif v_table = 'history' then
            return query select s.statement from forge._index_history() as s (statement);
        else
            return query
            select s.statement
            from forge._index_payload(('forge.' || v_table)::regclass, v_index) as s (statement);
        end if;
    end loop;
end;
$function$;
comment on function forge.index_payloads(text[]) is
'The statements to run for payloads to be indexed in these tables, and in no others; none where they are.

Run them one by one, outside of a transaction, as the owner of schema forge: `\gexec` of psql does, and
`forge index-payloads`. They hold up nobody, but to drop the index of the history waits for its readers. A
build that broke off is begun anew; call it again until it returns none, as a day may have begun meanwhile.
Searches use the index of a table, or of all the tables where jobs of the wanted status can be, by themselves.

Parameters:
  tables  of jobs, history and dead_jobs; default history and dead_jobs. The index of jobs is written by each
          enqueue and each claim; see the guide on lists for what that costs
Returns: one statement a row, in order.
Raises: JQ001.
Example: select * from forge.index_payloads(''{history,dead_jobs}'');';
