"""A Django database engine: PostgreSQL, served from a folder and started on the first connection."""
