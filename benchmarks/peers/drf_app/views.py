"""The viewsets, with the rules of a place and of a review."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import Http404
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from benchmarks.peers.drf_app.models import Course, Enrollment, Event, Places, Review, Summary
from benchmarks.peers.drf_app.serializers import CourseSerializer, EnrollmentSerializer, ReviewSerializer

_PUBLIC = ["open", "closed", "archived"]
_STARS = ("ones", "twos", "threes", "fours", "fives")


class Conflict(APIException):
    """The state says no."""

    status_code = status.HTTP_409_CONFLICT


class CourseViewSet(ModelViewSet):
    """The catalogue."""

    queryset = Course.objects.filter(places__status__in=_PUBLIC).select_related("places")
    serializer_class = CourseSerializer


class EnrollmentViewSet(ModelViewSet):
    """Getting into a course."""

    serializer_class = EnrollmentSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """201 with a seat, 202 with a place in line."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            enrollment = self._enroll(kwargs["course_id"])
        except IntegrityError as violation:
            raise Conflict("already-enrolled") from violation
        waits = enrollment.status == "waiting"
        return Response(
            self.get_serializer(enrollment).data,
            status=status.HTTP_202_ACCEPTED if waits else status.HTTP_201_CREATED,
            headers={"Location": f"/api/v1/courses/{enrollment.course_id}/enrollments/me"},
        )

    @transaction.atomic
    def _enroll(self, course_id: UUID) -> Enrollment:
        places = Places.objects.select_for_update(no_key=True).filter(pk=course_id).first()
        if places is None or places.status == "draft":
            raise Http404
        now = timezone.now()
        _check_open(places, now)
        mine = Enrollment.objects.filter(course_id=course_id, learner=self.request.user)
        if mine.filter(status__in=["active", "completed", "waiting"]).exists():
            raise Conflict("already-enrolled")
        enrollment = Enrollment(course_id=course_id, learner=self.request.user, joined_at=now)
        _take_place(places, enrollment)
        places.save(update_fields=["seats_taken", "waiting", "last_queue_number"])
        enrollment.save(force_insert=True)
        happened = "waitlist.joined" if enrollment.status == "waiting" else "enrollment.created"
        _record(happened, enrollment.pk, course_id, self.request.user.pk)
        return enrollment


class ReviewViewSet(ModelViewSet):
    """What learners say about a course."""

    serializer_class = ReviewSerializer

    def get_queryset(self) -> Any:
        """Published ones of the course in the path, with their authors."""
        _check_course(self.kwargs["course_id"])
        reviews = Review.objects.filter(course_id=self.kwargs["course_id"], public_rating__isnull=False)
        return reviews.select_related("author")

    def perform_create(self, serializer: Any) -> None:
        """The review is there, and counted."""
        course_id, author = self.kwargs["course_id"], self.request.user
        _check_course(course_id)
        enrolled = Enrollment.objects.filter(course_id=course_id, learner=author, status__in=["active", "completed"])
        if not enrolled.exists():
            raise PermissionDenied("review-not-allowed")
        if Review.objects.filter(course_id=course_id, author=author, retracted_at=None).exists():
            raise Conflict("review-already-exists")
        try:
            with transaction.atomic():
                self._write(serializer, course_id)
        except IntegrityError as violation:
            raise Conflict("review-already-exists") from violation

    def _write(self, serializer: Any, course_id: UUID) -> None:
        now, sent = timezone.now(), serializer.validated_data
        review = serializer.save(
            course_id=course_id,
            author=self.request.user,
            public_rating=sent["rating"],
            public_comment=sent["comment"],
            public_updated_at=now,
            created_at=now,
        )
        _record("review.created", review.pk, course_id, self.request.user.pk)
        column = _STARS[review.rating - 1]
        Summary.objects.get_or_create(course_id=course_id)
        Summary.objects.filter(course_id=course_id).update(**{column: F(column) + 1})
        summary = Summary.objects.get(course_id=course_id)
        counts = [getattr(summary, star) for star in _STARS]
        total = sum(stars * count for stars, count in enumerate(counts, start=1))
        average = (Decimal(total) / sum(counts)).quantize(Decimal("0.01"))
        Course.objects.filter(pk=course_id).update(rating_average=average, rating_count=sum(counts))


def _check_course(course_id: UUID) -> None:
    if not Places.objects.filter(course_id=course_id, status__in=_PUBLIC).exists():
        raise Http404


def _check_open(places: Places, now: datetime) -> None:
    opens, closes = places.enrollment_opens_at, places.enrollment_closes_at
    if places.status != "open" or (opens and now < opens) or (closes and now >= closes):
        raise Conflict("course-closed")


def _take_place(places: Places, enrollment: Enrollment) -> None:
    """A seat, if one is free and nobody waits for it; else the last place in line. The places are locked."""
    if places.waiting == 0 and (places.capacity is None or places.seats_taken < places.capacity):
        places.seats_taken += 1
        enrollment.status, enrollment.enrolled_at = "active", enrollment.joined_at
    elif places.waitlist_enabled:
        places.waiting += 1
        places.last_queue_number += 1
        enrollment.status, enrollment.queue_number = "waiting", places.last_queue_number
    else:
        raise Conflict("course-full")


def _record(type: str, subject: UUID, course_id: UUID, person_id: UUID) -> None:
    data = {"course_id": str(course_id), "person_id": str(person_id)}
    Event.objects.create(type=type, subject=str(subject), actor=str(person_id), data=data)
