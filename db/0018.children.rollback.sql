drop index concurrently if exists forge.dependency_parent_idx;
