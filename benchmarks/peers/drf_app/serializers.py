"""What comes in and goes out."""

from typing import Any

from rest_framework import serializers

from benchmarks.peers.drf_app.models import Course, Enrollment, Person, Review


class CourseSerializer(serializers.ModelSerializer):
    """A course."""

    status = serializers.CharField(source="places.status")
    capacity = serializers.IntegerField(source="places.capacity", allow_null=True)
    seats_available = serializers.SerializerMethodField()
    waitlist_enabled = serializers.BooleanField(source="places.waitlist_enabled")
    waitlist_length = serializers.IntegerField(source="places.waiting")
    enrollment_opens_at = serializers.DateTimeField(source="places.enrollment_opens_at", allow_null=True)
    enrollment_closes_at = serializers.DateTimeField(source="places.enrollment_closes_at", allow_null=True)

    class Meta:
        model = Course
        fields = [
            *("id", "slug", "title", "summary", "description", "instructor", "status", "capacity", "seats_available"),
            *("waitlist_enabled", "waitlist_length", "enrollment_opens_at", "enrollment_closes_at", "rating_average"),
            *("rating_count", "created_at", "updated_at"),
        ]

    def get_seats_available(self, course: Any) -> int | None:
        """None for a course without a limit."""
        places = course.places
        return None if places.capacity is None else places.capacity - places.seats_taken


class EnrollmentSerializer(serializers.ModelSerializer):
    """An enrollment, or a place in line."""

    class Meta:
        model = Enrollment
        fields = ["id", "course", "learner", "status", "source", "joined_at", "enrolled_at"]
        read_only_fields = fields


class AuthorSerializer(serializers.ModelSerializer):
    """Who wrote it."""

    class Meta:
        model = Person
        fields = ["id", "display_name"]


class ReviewSerializer(serializers.ModelSerializer):
    """A review."""

    author = AuthorSerializer(read_only=True)
    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = serializers.CharField(max_length=5000, allow_blank=True)

    class Meta:
        model = Review
        fields = ["id", "course", "author", "rating", "comment", "created_at", "public_updated_at"]
        read_only_fields = ["id", "course", "created_at", "public_updated_at"]
