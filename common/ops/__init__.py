"""What the operators' commands share: checks that find and mend, plans, runs that can be resumed and undone, reports.

No domain is known here. An app adds a check by a file in its `checks` package, and a command that works off rows of a
file by a kind in its `bulk.py`.
"""
