"""`public_id('crs', id)` gives in SQL what `common.ids.encode` gives in Python: to join rows and events.

Each pair of letters stands for ten bits, which lie in two bytes next to each other. PostgreSQL can put the body into
the statement that calls it, as long as everything in it is immutable.
"""

from django.db import migrations

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = "".join(high + low for high in _LETTERS for low in _LETTERS).encode().hex()


def _pair(number: int) -> str:
    lowest_bit = 120 - 10 * number
    first_byte = (127 - (lowest_bit + 9)) // 8
    shift = lowest_bit - (112 - 8 * first_byte)
    bits = (
        f"((get_byte(uuid_send($2), {first_byte}) << 8 | get_byte(uuid_send($2), {first_byte + 1})) >> {shift}) & 1023"
    )
    if number == 0:
        bits = "get_byte(uuid_send($2), 0)"
    return f"substring('\\x{_PAIRS}'::bytea from 2 * ({bits}) + 1 for 2)"


MAKE = f"""
CREATE FUNCTION public_id(text, uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN $1 || '_' || encode({" || ".join(_pair(number) for number in range(13))}, 'escape')
"""


class Migration(migrations.Migration):
    dependencies = [("common", "0008_mails")]
    operations = [migrations.RunSQL(MAKE, "DROP FUNCTION public_id(text, uuid)")]
