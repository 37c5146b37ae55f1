-- Something of everything, so that a call with made-up arguments comes far.

create table forge_test.orders (id integer primary key, secret text);
create function forge_test.handler(payload jsonb) returns jsonb language sql as 'select $1';
create function forge_test.is_good(payload jsonb) returns boolean language sql as 'select $1 <> ''1''';

select forge.set_limits('limited', max_running => 2, key_max_running => 1);
select forge.set_admission('full', max_depth => 1, on_full => 'reject');
select forge.set_schema('checked', '{"required": ["a"]}');
select forge.set_check('checked', 'forge_test.is_good');
select forge.register_sql_handler('in_sql', 'forge_test.handler');
select forge.set_type('t', timeout => '1 hour');
select forge.set_retry_rules('[]', queue => 'q');
select forge.schedule('s', '* * * * *', 't');
select forge.register_worker('w', '{q}', liveness => false);
select forge.create_token('viewer', 'somebody');
select forge.on_change('forge_test.orders', type => 't', name => 'orders');
select forge.run_when('t', 'false', queue => 'q');
select forge.open_batch('t', queue => 'q');

do $do$
declare
    v_fate text;
    v_job forge.claimed_job;
begin
    foreach v_fate in array array['complete', 'die', 'discard', 'cancel', 'fail', 'run', 'stop', 'hold'] loop
        perform forge.enqueue('t', '{"a": 1}', queue => 'q', unique_key => v_fate, tags => '{x}');
        select d.* into strict v_job from forge.dequeue('q', 'w', lease => '1 day') as d;
        case v_fate
            when 'complete' then perform forge.complete(v_job.id, v_job.lease, '{"done": true}');
            when 'die', 'discard' then
                perform forge.fail(v_job.id, v_job.lease, 'no', retryable => false, error_type => 'E');
                if v_fate = 'discard' then
                    perform forge.discard(v_job.id);
                end if;
            when 'cancel' then
                perform forge.cancel(v_job.id);
                perform forge.release(v_job.id, v_job.lease);
            when 'fail' then perform forge.fail(v_job.id, v_job.lease, 'no', retry_in => '1 day');
            when 'stop' then perform forge.cancel(v_job.id);
            else perform forge.log(v_job.id, v_job.lease, 'page 1');
        end case;
        if v_fate = 'run' then
            perform forge.enqueue('t', queue => 'q', depends_on => array[v_job.id]);
        end if;
    end loop;
    perform forge.enqueue('t', queue => 'q', unique_key => 'k', priority => 3);
    perform forge.enqueue('t', queue => 'limited', concurrency_key => 'c') from generate_series(1, 3);
    perform forge.enqueue('t', queue => 'full');
    perform forge.enqueue('in_sql', '{"a": 1}', queue => 'q');
end;
$do$;
