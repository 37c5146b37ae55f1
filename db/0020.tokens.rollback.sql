drop type forge.new_token;
drop type forge.token_row;
drop table forge.tokens;
