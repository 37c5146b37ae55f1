drop table forge.spent_keys;
