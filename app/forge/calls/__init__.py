"""The public functions of SQL as methods, one file a role: who may call what is granted there."""
