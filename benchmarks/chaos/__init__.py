"""The chaos run: the service as production runs it, under faults, and what must hold all the same."""
