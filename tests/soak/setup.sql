-- What the queues of the run are held to, and what makes jobs by itself.

select forge.set_retention(history => '1 day', dead => '1 minute');
select forge.set_log(retention => '1 day');

select forge.set_limits('keyed', key_fifo => true);
select forge.set_limits('limited', max_running => 16, key_max_running => 2);
select forge.set_limits('rated', rate => 40, per => '1 second', key_rate => 30, key_per => '1 second');
select forge.set_queue('failing', retry_base => '200 milliseconds', retry_cap => '1 second', max_retries => 3);
select forge.set_queue('sql', keep_result => false);
select forge.set_queue('strict', keep_history => false);
select forge.set_retry_rules(
    '[{"error_type": "Busy", "action": "retry", "retry_base": "100 milliseconds", "max_retries": 5}]',
    type => 'soak'
);
select forge.set_admission('full', max_depth => 30, on_full => 'drop_oldest');
select forge.set_admission('strict', max_depth => 30, on_full => 'reject');
select forge.set_schema('strict', '{"required": ["number"]}');

select forge.schedule('each second', 'every 1 second', 'soak', queue => 'later');
select forge.schedule('each two', 'every 2 seconds', 'soak', queue => 'later', overlap => 'skip');
select forge.schedule('each minute', '* * * * *', 'soak', queue => 'later', time_zone => 'Europe/Zurich');

create schema soak;
create table soak.orders (id integer primary key, status integer not null);
insert into soak.orders select n, 0 from generate_series(1, 200) as n;
select forge.on_change(
    'soak.orders', '{update}', 'soak', key => 'new.id::text', debounce => '200 milliseconds', queue => 'changes'
);
create function soak.greet(payload jsonb) returns jsonb
language sql as $function$
    select jsonb_build_object('hello', payload -> 'name');
$function$;
select forge.register_sql_handler('greet', 'soak.greet');
