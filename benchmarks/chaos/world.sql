-- A small world with little room: a few courses that everybody wants, some with lines, some without; a partner.
-- Ids are those of benchmarks.world.
INSERT INTO common_user (id, email, password, is_superuser, display_name, is_active, is_staff, version)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'learner' || n || '@example.org', '!', false, 'Learner ' || n, true, n = 0, 1
FROM generate_series(0, {learners}) AS n;

INSERT INTO common_user_groups (user_id, group_id)
SELECT '01900000-0000-7000-8000-000000000000', id FROM auth_group WHERE name = 'Course staff';

INSERT INTO courses_course
    (id, slug, title, summary, description, instructor, rating_count, version)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'course-' || n, 'Course ' || n, '', '', '', 0, 1
FROM generate_series(1, {courses}) AS n;

INSERT INTO courses_courseplaces
    (course_id, status, waitlist_enabled, capacity, seats_taken, waiting, last_queue_number)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'open', n <= {lines}, CASE WHEN n <= {hot} THEN {hot_seats} ELSE {seats} END, 0, 0, 0
FROM generate_series(1, {courses}) AS n;

INSERT INTO enrollments_partner (id, name) VALUES ('01900000-0000-7000-f000-000000000001', 'Chaos');

INSERT INTO enrollments_partnerkey (id, partner_id, prefix, digest)
VALUES (
    '01900000-0000-7000-f000-000000000001', '01900000-0000-7000-f000-000000000001', 'chaos',
    sha256('only-for-the-chaos-run')
);
