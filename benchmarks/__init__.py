"""How fast the service is, measured as it would run in production: `make bench`, explained in docs/performance.md."""
