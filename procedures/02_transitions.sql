-- The life of a job: every legal change of status, once, as rows.
--
-- Tests, the README's diagram and the dashboard draw from here. Locks: none.

create or replace function forge.transitions()
returns setof forge.transition
language sql immutable parallel safe security definer
set search_path = pg_catalog, forge, pg_temp
as $function$
    values
    (null, 'PENDING', 'enqueue', 'a new job, due at scheduled_at'),
    (null, 'WAITING', 'enqueue', 'a new job that depends on others'),
    (null, 'WAITING', 'open_batch', 'the callback of a batch'),
    (null, 'WAITING', 'run_when', 'a new job that waits for a condition'),
    (null, 'CANCELLED', 'enqueue', 'a parent had failed already, and it was to be cancelled then'),
    ('PENDING', 'PROCESSING', 'dequeue', 'claimed by a worker under a lease; counts an attempt'),
    ('PROCESSING', 'COMPLETED', 'complete', 'the worker is done; the job moves to the history'),
    ('PROCESSING', 'PENDING', 'fail', 'the attempt failed; due again after the backoff'),
    ('PROCESSING', 'DEAD', 'fail', 'retries used up, or a permanent error; to the dead-letter queue'),
    ('PROCESSING', 'CANCELLED', 'fail', 'the attempt ended after a cancellation was asked for'),
    ('PROCESSING', 'PENDING', 'release', 'given back unstarted; the attempt does not count'),
    ('PROCESSING', 'PENDING', 'snooze', 'put off by its handler; the attempt does not count'),
    ('PROCESSING', 'CANCELLED', 'release', 'given back after a cancellation was asked for'),
    ('PROCESSING', 'CANCELLED', 'snooze', 'put off after a cancellation was asked for'),
    ('PROCESSING', 'PENDING', 'tick', 'lease or worker lost, or timed out; the attempt counts as failed'),
    ('PROCESSING', 'DEAD', 'tick', 'lease or worker lost, or timed out, and retries used up'),
    ('PROCESSING', 'CANCELLED', 'tick', 'lease or worker lost after a cancellation was asked for'),
    ('PENDING', 'CANCELLED', 'cancel', 'cancelled before it ran'),
    ('WAITING', 'CANCELLED', 'cancel', 'cancelled before it ran'),
    ('PENDING', 'CANCELLED', 'enqueue', 'dropped by the next one, as the queue was full'),
    ('WAITING', 'CANCELLED', 'enqueue', 'a parent was dropped, and it was to be cancelled then'),
    ('WAITING', 'PENDING', 'enqueue', 'its last parent was dropped, and it was to run then'),
    ('WAITING', 'PENDING', 'complete', 'the last of its parents is done'),
    ('WAITING', 'PENDING', 'fail', 'its last parent failed, and it was to run then'),
    ('WAITING', 'PENDING', 'release', 'its last parent was cancelled, and it was to run then'),
    ('WAITING', 'PENDING', 'snooze', 'its last parent was cancelled, and it was to run then'),
    ('WAITING', 'PENDING', 'cancel', 'its last parent was cancelled, and it was to run then'),
    ('WAITING', 'PENDING', 'close_batch', 'the jobs of the batch had ended already'),
    ('WAITING', 'PENDING', 'tick', 'its condition holds, or its last parent ended in a tick or unseen'),
    ('WAITING', 'CANCELLED', 'fail', 'a parent failed, and it was to be cancelled then'),
    ('WAITING', 'CANCELLED', 'release', 'a parent was cancelled, and it was to be cancelled then'),
    ('WAITING', 'CANCELLED', 'snooze', 'a parent was cancelled, and it was to be cancelled then'),
    ('WAITING', 'CANCELLED', 'tick', 'a parent failed in a tick or unseen, or a deadline passed'),
    ('WAITING', 'DEAD', 'tick', 'its condition did not hold before its deadline'),
    ('PENDING', 'PENDING', 'retry', 'due now instead of after its backoff'),
    ('DEAD', 'PENDING', 'retry', 'revived with fresh retries; its errors are kept'),
    ('CANCELLED', 'PENDING', 'retry', 'revived with fresh retries; its errors are kept'),
    ('DEAD', 'DEAD', 'discard', 'taken out of the dead-letter queue; kept in the history');
$function$;
comment on function forge.transitions() is
'Every legal change of a job''s status, and the function that makes it.

Returns: one row an edge: from_status (null: new), to_status, by, meaning.
Example: select * from forge.transitions();';
