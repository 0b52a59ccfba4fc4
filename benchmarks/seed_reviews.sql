-- {rows} reviews of course 1, a tenth as many of other courses, 5,000 of each million waiting for a moderator; and people
-- who have written none yet. What came of the n-th review is in the number: each 220th waits (each 440th of them after a
-- change), each 50th is hidden, each 500th is reported.
INSERT INTO common_user (id, email, password, is_superuser, display_name, is_active, is_staff, version)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'learner' || n || '@example.org', '!', false, 'Learner ' || n, true, false, 1
FROM generate_series({rows} + {newcomers} + 1, {rows} + {newcomers} + {writers}) AS n;

INSERT INTO common_user (id, email, password, is_superuser, display_name, is_active, is_staff, version)
VALUES ('01900000-0000-7000-8000-ffffffffffff', 'moderator@example.org', '!', false, 'Moderator', true, true, 1);

INSERT INTO common_user_groups (user_id, group_id)
SELECT '01900000-0000-7000-8000-ffffffffffff', id FROM auth_group WHERE name = 'Moderators';

-- Each of those who will write is in course 1 and in one of the many others.
INSERT INTO enrollments_enrollment (id, course_id, learner_id, status, source, joined_at, enrolled_at)
SELECT ('01900000-0000-7000-b' || (100 + place) || '-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('01900000-0000-7000-9000-' || lpad(to_hex(CASE place WHEN 0 THEN 1 ELSE 2 + n % {many} END), 12, '0'))::uuid,
    ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'active', 'self', now(), now()
FROM generate_series({rows} + {newcomers} + 1, {rows} + {newcomers} + {writers}) AS n, generate_series(0, 1) AS place;

UPDATE courses_courseplaces SET seats_taken = counted.seats
FROM (SELECT course_id, count(*) AS seats FROM enrollments_enrollment GROUP BY course_id) AS counted
WHERE counted.course_id = courses_courseplaces.course_id AND counted.seats <> seats_taken;

CREATE TEMPORARY TABLE written AS
SELECT n,
    ('01900000-0000-7000-e000-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
    ('01900000-0000-7000-9000-' || lpad(to_hex(CASE WHEN n <= {rows} THEN 1 ELSE 2 + n % {many} END), 12, '0'))::uuid
        AS course_id,
    ('01900000-0000-7000-8000-' || lpad(to_hex(CASE WHEN n <= {rows} THEN n ELSE (n - {rows}) * 10 END), 12, '0'))::uuid
        AS author_id,
    n % 220 = 0 AS waits,
    n % 440 = 0 AS is_changed,
    n % 50 = 3 AS is_hidden,
    n % 25 = 7 AS is_approved,
    CASE WHEN n % 500 = 11 THEN 1 + n / 500 % 2 WHEN n % 1760 = 220 THEN 3 ELSE 0 END AS reports,
    (ARRAY['links', 'reports', 'listed_words', 'shouting', 'contact_details', 'too_many_reviews', 'hidden_before',
        'same_text_elsewhere'])[1 + n / 220 % 8] AS held_reason,
    (ARRAY[5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 4, 4, 3, 3, 2, 2, 1])[1 + n % 20] AS rating,
    (ARRAY['The first evening', 'Every week of it', 'The last part', 'What the teacher said', 'The homework',
            'The second half', 'The group'])[1 + n % 7]
        || (ARRAY[' was worth the way', ' could have been shorter', ' made me think', ' was too easy for me',
            ' was the best of all', ' surprised me'])[1 + n / 7 % 6]
        || (ARRAY[', and I would come again', '; bring a warm coat', ', in spite of the room', ', if one does the reading',
            ', whatever my neighbour says'])[1 + n / 42 % 5]
        || '. Remember chapter ' || n % 7919 || ' of book ' || n % 127 || '.' AS comment,
    now() - make_interval(mins => ({rows} + {rows} / 10 - n)::int) AS at,
    -- All that waits was written or changed since yesterday.
    now() - make_interval(secs => ({rows} + {rows} / 10 - n) / 11 % 86400) AS submitted_at
FROM generate_series(1, {rows} + {rows} / 10) AS n;

INSERT INTO reviews_review
    (id, course_id, author_id, status, rating, comment, revision, public_rating, public_comment, public_revision,
    public_updated_at, held_reason, open_reports, version, created_at, updated_at, submitted_at)
SELECT id, course_id, author_id,
    CASE WHEN waits THEN 'pending' WHEN is_hidden THEN 'hidden' ELSE 'published' END,
    rating, comment, CASE WHEN is_changed THEN 2 ELSE 1 END,
    CASE WHEN is_public THEN rating END, CASE WHEN is_public THEN comment ELSE '' END, CASE WHEN is_public THEN 1 END,
    CASE WHEN is_public THEN at END,
    CASE WHEN waits THEN held_reason ELSE '' END, reports, 1, at,
    CASE WHEN waits THEN submitted_at ELSE at END, CASE WHEN waits THEN submitted_at ELSE at END
FROM written, LATERAL (SELECT NOT is_hidden AND (NOT waits OR is_changed)) AS public (is_public);

INSERT INTO reviews_revision (review_id, number, author_id, rating, comment, digest, created_at)
SELECT id, number, author_id, rating, comment, decode(md5(comment), 'hex'), at
FROM written, LATERAL generate_series(1, CASE WHEN is_changed THEN 2 ELSE 1 END) AS number;

INSERT INTO reviews_historyentry
    (review_id, revision, at, actor, change, from_status, to_status, reason, public_text, note, automated, from_held_reason)
SELECT id, 1, at, 'usr_01kagk1v2be8wra6t9q3y5z7x8', 'created', '', 'published', '', '', '', false, '' FROM written
UNION ALL
SELECT id, 1, submitted_at, 'system:hold-rules', 'held', 'published', 'pending', held_reason, '', '', true, '' FROM written
WHERE waits
UNION ALL
SELECT id, 1, at + interval '3 hours', 'usr_01kagk1v2be8wra6t9q3y5z7x8',
    CASE WHEN is_hidden THEN 'hidden' ELSE 'approved' END, 'pending', CASE WHEN is_hidden THEN 'hidden' ELSE 'published' END,
    '', '', '', false, held_reason
FROM written WHERE is_hidden OR is_approved;

INSERT INTO reviews_report (id, review_id, revision, reporter_id, reason, note, resolution)
SELECT ('01900000-0000-7000-f00' || number || '-' || lpad(to_hex(n), 12, '0'))::uuid, id, 1,
    ('01900000-0000-7000-8000-' || lpad(to_hex(1 + (n + number) % {rows}), 12, '0'))::uuid,
    (ARRAY['spam', 'abuse', 'off_topic', 'other'])[1 + (n / 500 + number) % 4], '', ''
FROM written, LATERAL generate_series(1, reports) AS number;

INSERT INTO reviews_coursesummary (course_id, ones, twos, threes, fours, fives)
SELECT course_id, count(*) FILTER (WHERE public_rating = 1), count(*) FILTER (WHERE public_rating = 2),
    count(*) FILTER (WHERE public_rating = 3), count(*) FILTER (WHERE public_rating = 4),
    count(*) FILTER (WHERE public_rating = 5)
FROM reviews_review WHERE public_rating IS NOT NULL GROUP BY course_id;
