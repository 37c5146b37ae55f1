alter type forge.queue_row drop attribute pause_reason;
drop type forge.verdict;
drop type forge.retry_rule_row;
drop type forge.retry_rule;
drop table forge.pauses;
drop table forge.retry_rules;
