"""The shapes of enrollments on the wire."""
