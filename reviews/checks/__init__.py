"""The invariants of reviews, a file for each: see `common.ops.kinds.Check`."""
