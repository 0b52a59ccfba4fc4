-- What enrolling over HTTP asks of the database, and no more: the account, then the look and the
-- one statement of enrollments.services.enroll. Client c of one run takes the newcomers first + c * span, + 1, + 2, ...
\set i :i + 1
\set newcomer :first + :client_id * :span + :i
\set number 1 + :many * (1 + mod(:newcomer, :courses))
SELECT * FROM common_user
WHERE id = ('01900000-0000-7000-8000-' || lpad(to_hex(:newcomer::bigint), 12, '0'))::uuid AND is_active;
SELECT id, status FROM enrollments_enrollment
WHERE course_id = ('01900000-0000-7000-9000-' || lpad(to_hex(:number::bigint), 12, '0'))::uuid
    AND learner_id = ('01900000-0000-7000-8000-' || lpad(to_hex(:newcomer::bigint), 12, '0'))::uuid
    AND status IN ('active', 'completed', 'waiting')
LIMIT 1;
WITH claimed AS (
    UPDATE courses_courseplaces SET
        seats_taken = seats_taken + CASE WHEN waiting = 0 AND (capacity IS NULL OR seats_taken < capacity) THEN 1 ELSE 0 END,
        waiting = waiting + CASE WHEN waiting = 0 AND (capacity IS NULL OR seats_taken < capacity) THEN 0 ELSE 1 END,
        last_queue_number = last_queue_number
            + CASE WHEN waiting = 0 AND (capacity IS NULL OR seats_taken < capacity) THEN 0 ELSE 1 END
    WHERE course_id = ('01900000-0000-7000-9000-' || lpad(to_hex(:number::bigint), 12, '0'))::uuid
        AND status = 'open'
        AND (enrollment_opens_at IS NULL OR enrollment_opens_at <= now())
        AND (enrollment_closes_at IS NULL OR enrollment_closes_at > now())
        AND (waitlist_enabled OR (waiting = 0 AND (capacity IS NULL OR seats_taken < capacity)))
    RETURNING nullif(waiting, 0) AS position, CASE WHEN waiting > 0 THEN last_queue_number END AS queue_number
), row AS (
    INSERT INTO enrollments_enrollment
        (id, course_id, learner_id, status, source, queue_number, joined_at, enrolled_at)
    SELECT ('01900000-0000-7000-c000-' || lpad(to_hex(:newcomer::bigint), 12, '0'))::uuid,
        ('01900000-0000-7000-9000-' || lpad(to_hex(:number::bigint), 12, '0'))::uuid,
        ('01900000-0000-7000-8000-' || lpad(to_hex(:newcomer::bigint), 12, '0'))::uuid,
        CASE WHEN queue_number IS NULL THEN 'active' ELSE 'waiting' END, 'self', queue_number, now(),
        CASE WHEN queue_number IS NULL THEN now() END
    FROM claimed
), event AS (
    INSERT INTO common_event (uuid, type, subject, course, actor, request_id, data)
    SELECT ('01900000-0000-7000-d000-' || lpad(to_hex(:newcomer::bigint), 12, '0'))::uuid,
        'enrollment.created', 'enr_01kagm6xqzf1g8vjx7d2m3n4p5', 'crs_01kagjzz8pf4mtb5v6w7x8y9z0',
        'usr_01kagk1v2be8wra6t9q3y5z7x8', 'req_01kagk1v2be8wra6t9q3y5z7x8',
        '{"course_id": "crs_01kagjzz8pf4mtb5v6w7x8y9z0", "learner_id": "usr_01kagk1v2be8wra6t9q3y5z7x8", "enrollment_id": "enr_01kagm6xqzf1g8vjx7d2m3n4p5", "source": "self"}'::jsonb
    FROM claimed WHERE queue_number IS NULL
), waiting_event AS (
    INSERT INTO common_event (uuid, type, subject, course, actor, request_id, data)
    SELECT ('01900000-0000-7000-d000-' || lpad(to_hex(:newcomer::bigint), 12, '0'))::uuid,
        'waitlist.joined', 'wle_01kagm6xqzf1g8vjx7d2m3n4p5', 'crs_01kagjzz8pf4mtb5v6w7x8y9z0',
        'usr_01kagk1v2be8wra6t9q3y5z7x8', 'req_01kagk1v2be8wra6t9q3y5z7x8',
        jsonb_build_object('position', position)
    FROM claimed WHERE queue_number IS NOT NULL
)
SELECT now(), position, queue_number FROM claimed;
