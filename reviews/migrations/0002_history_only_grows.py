"""The history of a review only grows, also for someone with SQL; and a revision is never changed."""

from django.db import migrations

GUARD = """
CREATE FUNCTION reviews_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The table % only grows.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER reviews_history_only_grows BEFORE UPDATE OR DELETE ON reviews_historyentry
    FOR EACH ROW EXECUTE FUNCTION reviews_only_grows();
CREATE TRIGGER reviews_revision_only_grows BEFORE UPDATE OR DELETE ON reviews_revision
    FOR EACH ROW EXECUTE FUNCTION reviews_only_grows();
"""
NO_GUARD = """
DROP TRIGGER reviews_history_only_grows ON reviews_historyentry;
DROP TRIGGER reviews_revision_only_grows ON reviews_revision;
DROP FUNCTION reviews_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, NO_GUARD)]
