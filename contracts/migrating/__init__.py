"""Migrations as they meet a database that is in use: reviewed by machine, and run over what a release left behind."""
