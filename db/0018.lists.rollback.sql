drop type forge.child_row;
drop type forge.bounded_count;
drop type forge.found_page;
drop type forge.stretch;
drop index forge.dependency_parent_idx;
