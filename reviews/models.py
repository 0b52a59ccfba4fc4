"""The tables of reviews: the review, its texts, its history, the reports on it, the summary of each course."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common import ids
from reviews.types import Decision, HoldReason, RatingDetails, ReportReason, Status

_PERSON = settings.AUTH_USER_MODEL
_LIVE = Q(retracted_at=None)
_PUBLIC = Q(public_rating__isnull=False)
_HELD = ~Q(held_reason="")
_RATING = [1, 2, 3, 4, 5]

SEARCHED = SearchVector("comment", config="simple")


def _details_are_of_five(column: str) -> Q:
    """The JSON in the column has every one of the details, each of 1 to 5; or there is none."""
    details = RatingDetails._fields
    each_of_five = {f"{column}__{detail}__in": _RATING for detail in details}
    return Q(**{f"{column}__isnull": True}) | Q(**{f"{column}__has_keys": list(details)}, **each_of_five)


class Review(models.Model):
    """What one learner says about one course: the newest text and its status, and the text that others see.

    A review is public while `public_rating` is given. The texts of before are in `Revision`.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    course = models.ForeignKey("courses.Course", on_delete=models.PROTECT, related_name="+", db_index=False)
    author = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=[(status.value, status.value) for status in Status])
    rating = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True)
    rating_details = models.JSONField(null=True)
    revision = models.PositiveIntegerField(default=1)
    public_rating = models.PositiveSmallIntegerField(null=True)
    public_comment = models.TextField(blank=True)
    public_rating_details = models.JSONField(null=True)
    public_revision = models.PositiveIntegerField(null=True)
    # When the public text was written, which is not when it became public.
    public_updated_at = models.DateTimeField(null=True)
    # The revision that a moderator looked at and let stand: reports do not bring that one back.
    kept_revision = models.PositiveIntegerField(null=True)
    held_reason = models.CharField(
        max_length=20, blank=True, choices=[(reason.value, reason.value) for reason in HoldReason]
    )
    open_reports = models.PositiveIntegerField(default=0)
    # Which moderator looks at it, until when. A courtesy, not a lock: decisions are guarded by the version.
    claimed_by = models.ForeignKey(_PERSON, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    claimed_until = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    # Since when the newest text stands as it does: the order of the moderators' queue.
    submitted_at = models.DateTimeField(db_default=Now())
    retracted_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [("moderate_review", "Can decide on reviews")]
        constraints = [
            models.UniqueConstraint(fields=["author", "course"], condition=_LIVE, name="review_one_live"),
            models.CheckConstraint(condition=Q(rating__in=_RATING), name="review_rating_of_five"),
            models.CheckConstraint(
                condition=_details_are_of_five("rating_details") & _details_are_of_five("public_rating_details"),
                name="review_details_of_five",
            ),
            models.CheckConstraint(
                condition=Q(public_rating=None, public_revision=None, public_updated_at=None, public_comment="")
                | Q(_PUBLIC, public_rating__in=_RATING, public_revision__isnull=False, public_updated_at__isnull=False)
                & Q(public_revision__lte=F("revision")),
                name="review_public_as_a_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.PUBLISHED)
                | ~_LIVE
                | Q(public_revision__isnull=False, public_revision=F("revision")),
                name="review_published_is_public",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.HIDDEN) | Q(public_rating=None), name="review_hidden_is_not_public"
            ),
            models.CheckConstraint(condition=_LIVE | Q(public_rating=None), name="review_retracted_is_not_public"),
            models.CheckConstraint(
                condition=Q(_HELD, status=Status.PENDING) | Q(~_HELD, status__in=[Status.PUBLISHED, Status.HIDDEN]),
                name="review_pending_for_a_reason",
            ),
        ]
        # Each order of each list walks an index of its own; see `reviews.selectors`.
        indexes = [
            models.Index(fields=["course", "id"], condition=_PUBLIC, name="review_public_by_age"),
            models.Index(fields=["course", "public_rating", "id"], condition=_PUBLIC, name="review_public_by_rating"),
            # The rating behind the order: who looks for one is spared the rows with any other.
            models.Index(fields=["submitted_at", "id", "rating"], condition=_LIVE, name="review_ages"),
            models.Index(fields=["status", "submitted_at", "id", "rating"], condition=_LIVE, name="review_status_ages"),
            models.Index(fields=["course", "submitted_at", "id", "rating"], condition=_LIVE, name="review_course_ages"),
            models.Index(
                fields=["course", "status", "submitted_at", "id", "rating"],
                condition=_LIVE,
                name="review_course_status_ages",
            ),
            models.Index(fields=["open_reports", "id"], condition=_LIVE, name="review_by_reports"),
            models.Index(fields=["status", "open_reports", "id"], condition=_LIVE, name="review_status_by_reports"),
            models.Index(fields=["course", "open_reports", "id"], condition=_LIVE, name="review_course_by_reports"),
            models.Index(
                fields=["course", "status", "open_reports", "id"],
                condition=_LIVE,
                name="review_course_status_reports",
            ),
            models.Index(fields=["author", "course", "id"], name="review_of_author"),
            models.Index(
                fields=["claimed_by", "claimed_until"], condition=Q(claimed_by__isnull=False), name="review_claims"
            ),
            GinIndex(SEARCHED, name="review_search"),
        ]

    def __str__(self) -> str:
        return f"{self.rating} of 5: {self.comment[:40]}"


class Revision(models.Model):
    """One text of a review. Never changed."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    author = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    rating = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True)
    rating_details = models.JSONField(null=True)
    # Of the text without case, accents and punctuation, to find it elsewhere; null for one too short to tell.
    digest = models.BinaryField(max_length=16, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["review", "number"], name="revision_one_number"),
            models.CheckConstraint(condition=_details_are_of_five("rating_details"), name="revision_details_of_five"),
        ]
        indexes = [
            models.Index(fields=["digest"], condition=Q(digest__isnull=False), name="revision_digest"),
            models.Index(fields=["author", "created_at"], name="revision_of_author"),
        ]

    def __str__(self) -> str:
        return f"{self.review_id} #{self.number}"


class HistoryEntry(models.Model):
    """One change of a review's text or state, by a person or a machine. Only grows; a trigger sees to that.

    `revision` is the text that the change is about. Each entry begins in the state in which the one before ends.
    """

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="+", db_index=False)
    revision = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=100)
    change = models.CharField(max_length=20)
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    public_text = models.TextField(blank=True)
    note = models.TextField(blank=True)
    automated = models.BooleanField(default=False)
    # What an undo goes back to.
    from_public_revision = models.PositiveIntegerField(null=True)
    from_kept_revision = models.PositiveIntegerField(null=True)
    from_held_reason = models.CharField(max_length=20, blank=True)

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "history entries"
        indexes = [
            models.Index(fields=["review", "id"], name="history_of_review"),
            models.Index(fields=["actor", "id"], name="history_of_actor"),
            models.Index(fields=["at"], condition=Q(change__in=["approved", "hidden"]), name="history_decisions"),
        ]

    def __str__(self) -> str:
        return f"{self.change} by {self.actor}"


class Report(models.Model):
    """One person's objection to a review."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="+", db_index=False)
    revision = models.PositiveIntegerField()
    reporter = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=10, choices=[(reason.value, reason.value) for reason in ReportReason])
    note = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    resolution = models.CharField(max_length=10, blank=True)
    resolved_by = models.ForeignKey(HistoryEntry, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["review", "reporter"], name="report_one_each")]
        indexes = [
            models.Index(fields=["created_at"], name="report_age"),
            models.Index(fields=["reason"], condition=Q(resolution=""), name="report_open"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.note[:40]}"


class ModerationReason(models.Model):
    """A reason for one of the decisions, with the words that the author is told. Staff maintain the table."""

    code = models.SlugField(primary_key=True, max_length=40)
    label = models.CharField(max_length=100)
    decision = models.CharField(
        "for a decision to",
        max_length=10,
        choices=[(decision.value, decision.value) for decision in Decision],
        default=Decision.HIDE.value,
        db_default=Decision.HIDE.value,
    )
    public_text = models.TextField()
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        default_permissions = ("view", "add", "change")

    def __str__(self) -> str:
        return self.label


class CourseSummary(models.Model):
    """How many published ratings of each kind a course has: kept in the transaction of every change it counts."""

    course = models.OneToOneField("courses.Course", primary_key=True, on_delete=models.PROTECT, related_name="+")
    ones = models.PositiveIntegerField(default=0)
    twos = models.PositiveIntegerField(default=0)
    threes = models.PositiveIntegerField(default=0)
    fours = models.PositiveIntegerField(default=0)
    fives = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "course summaries"

    def __str__(self) -> str:
        return f"{self.ones}/{self.twos}/{self.threes}/{self.fours}/{self.fives}"
