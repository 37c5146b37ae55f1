-- transactional: false
-- Who waits for a job: the children of a parent. Whoever enqueues children goes on while the index is built, so that
-- neither statement has a limit to its wait; an index that an interrupted run has left unfinished is built anew.

-- squawk-ignore require-timeout-settings
drop index concurrently if exists forge.dependency_parent_idx;

-- Serves children: who waits for a job, or did.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-timeout-settings
create index concurrently dependency_parent_idx on forge.dependencies (parent, child);
