drop type forge.settings_row;
drop type forge.known_type;
