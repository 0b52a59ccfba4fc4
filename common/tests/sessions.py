"""What is about a session with the server, which nobody has through PgBouncer in transaction mode."""

import pytest
from django.conf import settings

of_a_session = pytest.mark.skipif(settings.THROUGH_PGBOUNCER, reason="is about a session; through PgBouncer is none")
