"""`forge bench`: what this database does, measured; nothing of it stays behind."""
