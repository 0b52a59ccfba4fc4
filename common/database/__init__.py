"""A Django database engine: PostgreSQL, with as few round trips and as little planning as can be."""
