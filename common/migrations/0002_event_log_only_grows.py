"""The event log only grows, also for someone with SQL: the one change allowed is that an event gets its position."""

from django.db import migrations

GUARD = """
CREATE FUNCTION common_event_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NEW.position IS NOT NULL
        AND (NEW.id, NEW.uuid, NEW.type, NEW.subject, NEW.course, NEW.actor, NEW.request_id, NEW.data, NEW.time)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.uuid, OLD.type, OLD.subject, OLD.course, OLD.actor, OLD.request_id, OLD.data, OLD.time)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The event log only grows.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER common_event_only_grows BEFORE UPDATE OR DELETE ON common_event
    FOR EACH ROW EXECUTE FUNCTION common_event_only_grows();
"""
NO_GUARD = """
DROP TRIGGER common_event_only_grows ON common_event;
DROP FUNCTION common_event_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [("common", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, NO_GUARD)]
