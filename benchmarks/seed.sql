-- A catalogue of {rows} courses, one of them with {rows} learners, one learner in all of them, and newcomers.
-- Ids are UUIDv7 in shape and ascend with the number in them, so that every part of the benchmark can tell them.
INSERT INTO common_user (id, email, password, is_superuser, display_name, is_active, is_staff, version)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'learner' || n || '@example.org', '!', false, 'Learner ' || n, true, false, 1
FROM generate_series(1, {rows} + {newcomers}) AS n;

INSERT INTO common_user (id, email, password, is_superuser, display_name, is_active, is_staff, version)
VALUES ('01900000-0000-7000-8000-000000000000', 'staff@example.org', '!', false, 'Staff', true, true, 1);

INSERT INTO common_user_groups (user_id, group_id)
SELECT '01900000-0000-7000-8000-000000000000', id FROM auth_group WHERE name = 'Course staff';

INSERT INTO courses_course
    (id, slug, title, summary, description, instructor, rating_average, rating_count, version)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'course-' || n,
    (ARRAY['Reading', 'Weaving', 'Painting', 'Baking', 'Sailing', 'Singing', 'Coding'])[1 + n % 7] || ', Part ' || n,
    'Six evenings, no experience needed.',
    repeat('What you will learn, week by week. ', 8),
    'Instructor ' || n % 5000,
    CASE WHEN n % 3 > 0 THEN 1 + n % 400 / 100.0 END,
    CASE WHEN n % 3 > 0 THEN 1 + n % 50 ELSE 0 END,
    1
FROM generate_series(1, {rows}) AS n;

INSERT INTO courses_courseplaces
    (course_id, status, waitlist_enabled, capacity, seats_taken, waiting, last_queue_number)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'open', true, 10000000, CASE WHEN n = 1 THEN {rows} ELSE 1 END, 0, 0
FROM generate_series(1, {rows}) AS n;

-- Learner 1 is in every course, and every learner but the newcomers is in course 1.
INSERT INTO enrollments_enrollment (id, course_id, learner_id, status, source, joined_at, enrolled_at)
SELECT ('01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid,
    '01900000-0000-7000-9000-000000000001',
    ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'active', 'self', now() - make_interval(secs => {rows} - n), now() - make_interval(secs => {rows} - n)
FROM generate_series(1, {rows}) AS n;

INSERT INTO enrollments_enrollment (id, course_id, learner_id, status, source, joined_at, enrolled_at)
SELECT ('01900000-0000-7000-b000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    '01900000-0000-7000-8000-000000000001',
    'active', 'self', now() - make_interval(secs => {rows} - n), now() - make_interval(secs => {rows} - n)
FROM generate_series(2, {rows}) AS n;
