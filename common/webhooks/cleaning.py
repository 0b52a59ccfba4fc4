"""What comes to an end by the clock: deliveries that nobody will receive, and what is kept of old ones."""

from django.conf import settings

from common import db, outgoing

_AT_ONCE = 1_000
# The last attempt comes when a day is over, or a little later.
_GRACE_SECONDS = 3_600

_GIVE_UP = """
    WITH late AS MATERIALIZED (
        SELECT delivery.id
        FROM common_webhookdelivery AS delivery JOIN common_webhook AS webhook ON webhook.id = delivery.webhook_id
        WHERE delivery.status = 'pending'
            AND (webhook.disabled_at IS NOT NULL
                OR (delivery.since < statement_timestamp() - make_interval(secs => %(day)s)
                    AND delivery.due_at < statement_timestamp()))
        LIMIT %(limit)s
        FOR UPDATE OF delivery SKIP LOCKED
    )
    UPDATE common_webhookdelivery AS delivery SET status = 'failed', ended_at = statement_timestamp()
    FROM late WHERE delivery.id = late.id
"""
_FORGET = """
    WITH old AS MATERIALIZED (
        SELECT delivery.id
        FROM common_webhookdelivery AS delivery JOIN common_webhook AS webhook ON webhook.id = delivery.webhook_id
        WHERE delivery.status <> 'pending'
            AND (webhook.disabled_because = 'deleted' OR delivery.ended_at < statement_timestamp() - %(kept)s)
        LIMIT %(limit)s
    )
    DELETE FROM common_webhookdelivery AS delivery USING old WHERE delivery.id = old.id
"""
_FORGET_WEBHOOKS = """
    DELETE FROM common_webhook WHERE disabled_because = 'deleted'
        AND NOT EXISTS (SELECT FROM common_webhookdelivery WHERE webhook_id = common_webhook.id)
"""


def give_up() -> None:
    """No delivery waits that has had its day, or whose webhook is disabled."""
    values = {"day": outgoing.DAY + _GRACE_SECONDS, "limit": _AT_ONCE}
    while db.execute(_GIVE_UP, values):
        pass


def forget() -> None:
    """Nothing is kept of deliveries that ended too long ago, nor of webhooks that were taken away."""
    values = {"kept": settings.WEBHOOK_LOG_KEPT_FOR, "limit": _AT_ONCE}
    while db.execute(_FORGET, values):
        pass
    db.execute(_FORGET_WEBHOOKS)
