"""The limit: what Python over HTTP can do at all. The same tokens and tables, and one statement for each request."""

import json
import os
import threading
from urllib.parse import parse_qsl
from uuid import UUID

import jwt
import psycopg
from uuid_utils.compat import uuid7

_KEY = os.environ["SECRET_KEY"]
_ENROLL = """
    WITH claimed AS (
        UPDATE courses_courseplaces SET
            seats_taken = seats_taken + (waiting = 0 AND (capacity IS NULL OR seats_taken < capacity))::int,
            waiting = waiting + (NOT (waiting = 0 AND (capacity IS NULL OR seats_taken < capacity)))::int,
            last_queue_number = last_queue_number
                + (NOT (waiting = 0 AND (capacity IS NULL OR seats_taken < capacity)))::int
        WHERE course_id = %(course)s AND status = 'open'
            AND (enrollment_opens_at IS NULL OR enrollment_opens_at <= now())
            AND (enrollment_closes_at IS NULL OR enrollment_closes_at > now())
            AND (waitlist_enabled OR (waiting = 0 AND (capacity IS NULL OR seats_taken < capacity)))
            AND EXISTS (SELECT FROM common_user WHERE id = %(person)s AND is_active)
            AND NOT EXISTS (SELECT FROM enrollments_enrollment WHERE learner_id = %(person)s
                AND course_id = %(course)s AND status IN ('active', 'completed', 'waiting'))
        RETURNING waiting > 0 AS waits, CASE WHEN waiting > 0 THEN last_queue_number END AS number
    ), row AS (
        INSERT INTO enrollments_enrollment
            (id, course_id, learner_id, status, source, queue_number, joined_at, enrolled_at)
        SELECT %(id)s, %(course)s, %(person)s, CASE WHEN waits THEN 'waiting' ELSE 'active' END, 'self', number, now(),
            CASE WHEN NOT waits THEN now() END
        FROM claimed
    ), event AS (
        INSERT INTO common_event (uuid, type, subject, course, actor, request_id, data)
        SELECT %(event)s, CASE WHEN waits THEN 'waitlist.joined' ELSE 'enrollment.created' END, %(id)s::text, '',
            %(person)s::text, '', jsonb_build_object('learner_id', %(person)s::uuid, 'course_id', %(course)s::uuid)
        FROM claimed
    )
    SELECT CASE WHEN waits THEN '202 Accepted' ELSE '201 Created' END, json_build_object('id', %(id)s::uuid)::text
    FROM claimed
"""
_REVIEW = """
    WITH row AS (
        INSERT INTO reviews_review (id, course_id, author_id, status, rating, comment, revision, public_rating,
            public_comment, public_revision, public_updated_at, held_reason, open_reports, version)
        SELECT %(id)s, %(course)s, %(person)s, 'published', %(rating)s, %(comment)s, 1, %(rating)s, %(comment)s, 1,
            now(), '', 0, 1
        WHERE EXISTS (SELECT FROM common_user WHERE id = %(person)s AND is_active)
            AND EXISTS (SELECT FROM enrollments_enrollment WHERE learner_id = %(person)s
                AND course_id = %(course)s AND status IN ('active', 'completed'))
        ON CONFLICT DO NOTHING
        RETURNING rating
    ), summary AS (
        INSERT INTO reviews_coursesummary AS kept (course_id, ones, twos, threes, fours, fives)
        SELECT %(course)s, (rating = 1)::int, (rating = 2)::int, (rating = 3)::int, (rating = 4)::int, (rating = 5)::int
        FROM row
        ON CONFLICT (course_id) DO UPDATE SET ones = kept.ones + excluded.ones, twos = kept.twos + excluded.twos,
            threes = kept.threes + excluded.threes, fours = kept.fours + excluded.fours,
            fives = kept.fives + excluded.fives
        RETURNING ones + twos + threes + fours + fives AS count,
            round((ones + 2 * twos + 3 * threes + 4 * fours + 5 * fives)::numeric
                / (ones + twos + threes + fours + fives), 2) AS average
    ), course AS (
        UPDATE courses_course SET rating_count = count, rating_average = average FROM summary WHERE id = %(course)s
    ), event AS (
        INSERT INTO common_event (uuid, type, subject, course, actor, request_id, data)
        SELECT %(event)s, 'review.created', %(id)s::text, '', %(person)s::text, '',
            jsonb_build_object('course_id', %(course)s::uuid, 'rating', rating)
        FROM row
    )
    SELECT '201 Created', json_build_object('id', %(id)s::uuid)::text FROM row
"""
_COURSES = """
    SELECT '200 OK', coalesce(json_agg(page), '[]')::text FROM (
        SELECT id, slug, title, summary, description, instructor, status, capacity, capacity - seats_taken AS
            seats_available, waitlist_enabled, waiting AS waitlist_length, enrollment_opens_at, enrollment_closes_at,
            rating_average, rating_count, created_at, updated_at
        FROM courses_course JOIN courses_courseplaces ON course_id = id
        WHERE status IN ('open', 'closed', 'archived') AND (%(after)s::uuid IS NULL OR id < %(after)s)
        ORDER BY id DESC LIMIT %(limit)s
    ) AS page
"""
_REVIEWS = """
    SELECT '200 OK', coalesce(json_agg(page), '[]')::text FROM (
        SELECT review.id, course_id, public_rating AS rating, public_comment AS comment,
            public_updated_at AS updated_at, review.created_at, author_id, display_name AS author_name
        FROM reviews_review AS review JOIN common_user AS author ON author.id = author_id
        WHERE course_id = %(course)s AND public_rating IS NOT NULL
            AND review.id < coalesce(%(after)s, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
        ORDER BY review.id DESC LIMIT %(limit)s
    ) AS page
"""
_kept = threading.local()


def application(environ, start_response):
    """Answers what the loads ask for."""
    status, body = _answer(environ)
    content = body.encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


def _answer(environ):
    _, _, _, _, *course = environ["PATH_INFO"].split("/")  # /api/v1/courses[/…/enrollments | /…/reviews]
    values = {"course": UUID(course[0])} if course else {}
    if environ["REQUEST_METHOD"] == "GET":
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        values |= {"after": query.get("after"), "limit": int(query["limit"])}
        return _one(_REVIEWS if course else _COURSES, values)
    try:
        claims = jwt.decode(environ.get("HTTP_AUTHORIZATION", "")[7:], _KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return "401 Unauthorized", "{}"
    values |= {"person": UUID(claims["sub"]), "id": uuid7(), "event": uuid7()}
    body = json.loads(environ["wsgi.input"].read() or b"{}")
    if course[1] == "enrollments":
        return _one(_ENROLL, values)
    return _one(_REVIEW, values | {"rating": int(body["rating"]), "comment": str(body["comment"])})


def _one(statement, values):
    if not hasattr(_kept, "connection"):
        # As the service: planned for the values of one course, a first page of reviews walks those of all courses.
        plans = "-c plan_cache_mode=force_generic_plan"
        _kept.connection = psycopg.connect(autocommit=True, prepare_threshold=1, options=plans)
    try:
        return _kept.connection.execute(statement, values).fetchone() or ("409 Conflict", "{}")
    except psycopg.errors.UniqueViolation:
        return "409 Conflict", "{}"
