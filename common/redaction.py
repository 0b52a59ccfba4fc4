"""What must not be written where people look for faults: in log lines, and in what is kept of failed jobs and mails.

Our own texts name people by their ids. This is for what others say: an exception can repeat whatever it was about.
"""

import re

_SECRET = "password|passwd|secret|token|refresh|authorization|cookie|sessionid|csrftoken"
_REPLACEMENTS = [
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        # PostgreSQL repeats the values that broke a constraint.
        (r"\b(DETAIL|CONTEXT): .*?(?=\n[A-Z]+:|\n\n|\nTraceback |\Z)", r"\1: (left out)"),
        # The user and password of an address.
        (r"://[^/\s]{0,256}@", "://…@"),
        (r"\b(Bearer|Api-Key|Basic)\s+[^\s'\",]+", r"\1 …"),
        # A JWT, a partner's key, the secret of a webhook: each begins in its own way.
        (r"\beyJ[\w-]+(?:\.[\w-]*){1,2}", "…"),
        (r"\blectern_[0-9a-f]{8}_[\w-]+", "…"),
        (r"\bwhsec_[\w+/=-]+", "…"),
        # As a dictionary, a form or a person would write it.
        (rf"(\b(?:{_SECRET})['\"]?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&)}}\]'\"]+)", r"\1…"),
        # An email; a long run of letters without an @ is looked at once.
        (r"[^\s@'\"<>(){}\[\],;:=…]{1,64}@[^\s@'\"<>(){}\[\],;:=]{1,255}", "…@…"),
    )
]


def redact(text: str) -> str:
    """`text` without what looks like an email, a password, a token or a key, or is a value from the database."""
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return text
