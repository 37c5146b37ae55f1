-- Made by the first registration, so it may not be there; the functions in it are Forge's wrappers.
drop schema if exists forge_handlers cascade;
drop type forge.run_row;
drop type forge.sql_handler_row;
drop table forge.sql_handlers;
