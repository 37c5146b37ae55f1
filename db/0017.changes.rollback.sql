drop type forge.change_row;
