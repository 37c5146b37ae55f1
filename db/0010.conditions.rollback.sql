drop type forge.condition_row;
drop table forge.conditions;
drop domain forge.asker;
