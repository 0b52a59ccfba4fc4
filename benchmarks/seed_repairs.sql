-- {courses} courses of 200 rows each, consistent in all that a repair checks: seats, lines, events, summaries.
-- Of each 200: 150 active, 10 completed, 20 withdrawn, 20 in line. Ids are as in seed.sql.
INSERT INTO common_user (id, email, password, is_superuser, display_name, is_active, is_staff, version)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'learner' || n || '@example.org', '!', false, 'Learner ' || n, true, false, 1
FROM generate_series(1, {learners} + {newcomers}) AS n;

INSERT INTO courses_course (id, slug, title, summary, description, instructor, rating_count, version)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'course-' || n, 'Course ' || n, '', '', '', 0, 1
FROM generate_series(1, {courses}) AS n;

INSERT INTO courses_courseplaces (course_id, status, waitlist_enabled, capacity, seats_taken, waiting, last_queue_number)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'open', true, 160, 160, 20, 20
FROM generate_series(1, {courses}) AS n;

INSERT INTO enrollments_enrollment
    (id, course_id, learner_id, status, source, queue_number, joined_at, enrolled_at, ended_at, external_id)
SELECT ('01900000-0000-7000-a000-' || lpad(to_hex(c * 1000 + n), 12, '0'))::uuid,
    ('01900000-0000-7000-9000-' || lpad(to_hex(c), 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad(to_hex(1 + (c * 37 + n * 91) % {learners}), 12, '0'))::uuid,
    CASE WHEN n <= 150 THEN 'active' WHEN n <= 160 THEN 'completed' WHEN n <= 180 THEN 'withdrawn' ELSE 'waiting' END,
    'self', CASE WHEN n > 180 THEN n - 180 END, now(), CASE WHEN n <= 180 THEN now() END,
    CASE WHEN n BETWEEN 151 AND 180 THEN now() END, ''
FROM generate_series(1, {courses}) AS c, generate_series(1, 200) AS n;

INSERT INTO common_event (uuid, position, type, subject, course, actor, request_id, data)
SELECT gen_random_uuid(), row_number() OVER (ORDER BY row.id, told.place), told.type,
    public_id(CASE WHEN told.type LIKE 'waitlist.%' THEN 'wle' ELSE 'enr' END, row.id),
    public_id('crs', row.course_id), public_id('usr', row.learner_id), '',
    jsonb_build_object('course_id', public_id('crs', row.course_id), 'learner_id', public_id('usr', row.learner_id),
        'enrollment_id', public_id('enr', row.id), 'source', 'self')
FROM enrollments_enrollment AS row CROSS JOIN LATERAL (
    SELECT 1 AS place, CASE WHEN queue_number IS NULL THEN 'enrollment.created' ELSE 'waitlist.joined' END AS type
    UNION ALL
    SELECT 2, 'enrollment.' || status WHERE status IN ('completed', 'withdrawn')
) AS told;
