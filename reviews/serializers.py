"""The shapes of reviews on the wire."""

from typing import Any, ClassVar

from rest_framework import serializers

from common import examples, ids
from common.fields import Choice, Integer, PublicId, QueryInteger, Text
from common.wire import Body, PageQuery, View
from reviews.types import Decision, HoldReason, QueueSort, RatingDetails, ReportReason, ReviewSort, Status

_CLARITY, _PACE, _SUPPORT = "How well it was explained.", "Neither too fast nor too slow.", "Help when it was needed."
_DETAILS = "null if the author gave none."


class ReviewQuery(PageQuery):
    """Which reviews of a course, and in which order."""

    sort = Choice("ReviewSort", ReviewSort, default=ReviewSort.NEWEST.value)
    rating = QueryInteger(min_value=1, max_value=5, required=False, help_text="Only reviews with this rating.")


class QueueQuery(PageQuery):
    """Which reviews moderators see, and in which order."""

    status = Choice("ReviewStatus", Status, required=False)
    course_id = Text(required=False, max_length=40, help_text="Only reviews of this course.")
    sort = Choice("ModerationSort", QueueSort, default=QueueSort.OLDEST.value)


class RatingDetailsBody(Body):
    """What the stars are for."""

    clarity = Integer(min_value=1, max_value=5, help_text=_CLARITY)
    pace = Integer(min_value=1, max_value=5, help_text=_PACE)
    support = Integer(min_value=1, max_value=5, help_text=_SUPPORT)

    example: ClassVar = {"clarity": 5, "pace": 3, "support": 4}

    def validate(self, attrs: dict[str, int]) -> RatingDetails:
        return RatingDetails(**attrs)


class RewriteBody(Body):
    """What changes in one's own review."""

    rating = Integer(min_value=1, max_value=5, required=False)
    comment = Text(max_length=5000, allow_blank=True, required=False)
    rating_details = RatingDetailsBody(
        required=False, allow_null=True, help_text="What the stars are for, always as a whole; null for nothing more."
    )

    example: ClassVar = {"rating": 4}


class ReviewBody(RewriteBody):
    """A review."""

    rating = Integer(min_value=1, max_value=5)
    comment = Text(max_length=5000, allow_blank=True)

    example: ClassVar = {
        "rating": 5,
        "comment": "I read a sonnet to my grandmother. She cried, I did not.",
        "rating_details": RatingDetailsBody.example,
    }


class ReportBody(Body):
    """Why a review is reported."""

    reason = Choice("ReportReason", ReportReason)
    note = Text(max_length=1000, allow_blank=True, required=False)

    example: ClassVar = {"reason": "spam", "note": "It sells something."}


class DecisionBody(Body):
    """What a moderator decides, on which version of the review."""

    decision = Choice("ModerationDecision", Decision)
    reason = Text(
        max_length=200,
        allow_blank=True,
        required=False,
        help_text="The code of one of the moderators' reasons for this decision tells the author that reason's text. "
        "A code that is for the other decision is refused; anything else is kept in the history alone.",
    )
    note = Text(max_length=2000, allow_blank=True, required=False)
    version = Integer(min_value=1)

    example: ClassVar = {"decision": "approve", "reason": "fine", "version": 1}


class AuthorView(View):
    """Who wrote it."""

    id = PublicId(ids.USER)
    display_name = serializers.CharField()


class RatingDetailsView(View):
    """What the stars are for."""

    clarity = serializers.IntegerField(min_value=1, max_value=5, help_text=_CLARITY)
    pace = serializers.IntegerField(min_value=1, max_value=5, help_text=_PACE)
    support = serializers.IntegerField(min_value=1, max_value=5, help_text=_SUPPORT)


class ReviewView(View):
    """What a learner says about a course."""

    id = PublicId(ids.REVIEW)
    course_id = PublicId(ids.COURSE)
    author = AuthorView()
    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = serializers.CharField()
    rating_details = RatingDetailsView(allow_null=True, help_text=_DETAILS)
    status = Choice("ReviewStatus", Status)
    edited = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    example: ClassVar = {
        "id": examples.REVIEW,
        "course_id": examples.COURSE,
        "author": {"id": examples.PERSON, "display_name": "Ada"},
        "rating": 5,
        "comment": "I read a sonnet to my grandmother. She cried, I did not.",
        "rating_details": RatingDetailsBody.example,
        "status": "published",
        "edited": False,
        "created_at": "2026-11-20T18:00:00.250000Z",
        "updated_at": "2026-11-20T18:00:00.250000Z",
    }


class PublicTextView(View):
    """What others see."""

    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = serializers.CharField()
    rating_details = RatingDetailsView(allow_null=True, help_text=_DETAILS)


_PUBLIC_EXAMPLE = {name: ReviewView.example[name] for name in ("rating", "comment", "rating_details")}


class OwnReviewView(ReviewView):
    """One's own review: the newest text, and what others see, null for nothing."""

    public = PublicTextView(allow_null=True)

    example: ClassVar = {**ReviewView.example, "public": _PUBLIC_EXAMPLE}

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        public = PublicTextView.render(value.public) if value.public else None
        return {**ReviewView.render(value.review), "public": public}


class ModeratedReviewView(ReviewView):
    """A review as moderators see it; `version` is what a decision names."""

    report_count = serializers.IntegerField()
    held_reason = Choice("HoldReason", HoldReason, open=True, allow_null=True)
    version = serializers.IntegerField()

    example: ClassVar = {
        **ReviewView.example,
        "status": "pending",
        "report_count": 3,
        "held_reason": "reports",
        "version": 2,
    }

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        return {
            **ReviewView.render(value.review),
            "report_count": value.report_count,
            "held_reason": value.held_reason,
            "version": value.review.version,
        }


class HistoryEntryView(View):
    """One change of text, rating or state: by whom, when, why."""

    at = serializers.DateTimeField()
    actor = serializers.CharField()
    change = serializers.CharField()
    from_status = serializers.CharField(allow_null=True)
    to_status = serializers.CharField(allow_null=True)
    rating = serializers.IntegerField()
    comment = serializers.CharField()
    rating_details = RatingDetailsView(allow_null=True, help_text=_DETAILS)
    reason = serializers.CharField()
    public_text = serializers.CharField()
    note = serializers.CharField()
    automated = serializers.BooleanField()


class ReviewReportView(View):
    """One person's report; `resolution` is null while it is open."""

    id = PublicId(ids.REPORT)
    reporter_id = PublicId(ids.USER)
    reason = Choice("ReportReason", ReportReason)
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    resolution = serializers.CharField(allow_null=True)

    example: ClassVar = {
        "id": "rpt_01m7znyn5vfmf9njkng5aew8a7",
        "reporter_id": examples.PERSON,
        "reason": "spam",
        "note": "It sells something.",
        "created_at": "2026-11-21T07:00:00.100000Z",
        "resolution": None,
    }


class ReviewFileView(ModeratedReviewView):
    """All that moderators know of a review."""

    history = HistoryEntryView(many=True)
    reports = ReviewReportView(many=True)

    example: ClassVar = {
        **ModeratedReviewView.example,
        "history": [
            {
                "at": "2026-11-20T18:00:00.250000Z",
                "actor": examples.PERSON,
                "change": "created",
                "from_status": None,
                "to_status": "published",
                "rating": 5,
                "comment": ReviewView.example["comment"],
                "rating_details": ReviewView.example["rating_details"],
                "reason": "",
                "public_text": "",
                "note": "",
                "automated": False,
            }
        ],
        "reports": [ReviewReportView.example],
    }

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        return {
            **ModeratedReviewView.render(value.moderated),
            "history": [HistoryEntryView.render(entry) for entry in value.history],
            "reports": [ReviewReportView.render(report) for report in value.reports],
        }


class DecidedView(View):
    """What a decision came to, and how many reports it answered."""

    outcome = Choice("ModerationOutcome", ["approved", "hidden"])
    message = serializers.CharField()
    review = ModeratedReviewView()
    reports_resolved = serializers.IntegerField()

    example: ClassVar = {
        "outcome": "approved",
        "message": "The review is public.",
        "review": {
            **ModeratedReviewView.example,
            "status": "published",
            "report_count": 0,
            "held_reason": None,
            "version": 3,
        },
        "reports_resolved": 3,
    }


class HistogramView(View):
    """How many published reviews gave how many stars."""

    locals().update({str(stars): serializers.IntegerField() for stars in range(1, 6)})

    @classmethod
    def render(cls, value: Any) -> dict[str, Any]:
        return dict(value)


class ReviewSummaryView(View):
    """The published ratings of a course."""

    average = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()
    histogram = HistogramView()

    example: ClassVar = {"average": 4.5, "count": 2, "histogram": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 1}}
