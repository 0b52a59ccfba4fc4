// The story that the TypeScript client tells: from the first sign-in to a moderator's decision.
//
// LECTERN says where the service is, and whose passwords are known: {"url", "staff", "moderator", "password"}.

import { createClient } from '../src/client/index.js';
import {
  CourseStatus,
  Lectern,
  ModerationDecision,
  type Problem,
  ProblemType,
  ReportReason,
  ReviewStatus,
  Standing,
} from '../src/index.js';

declare const process: { env: Record<string, string>; exitCode: number };

type Answer<Data> = { data?: Data; error?: Problem; response?: Response };

const world = JSON.parse(process.env['LECTERN']!) as Record<'url' | 'staff' | 'moderator' | 'password', string>;
const run = Math.random().toString(16).slice(2, 10);
const { url, password } = world;

/** Ends without a word if the service keeps what the client was promised. */
async function main(): Promise<void> {
  const staff = await signedIn(world.staff);
  const moderator = await signedIn(world.moderator);
  const ada = await newcomer('Ada');
  const ben = await newcomer('Ben');
  const course = await aCourseWithOneSeat(staff);
  await theSecondWaits(ada, ben, course);
  await pagesHoldEachCourseOnce(staff);
  await aHeldReviewIsDecided(ada, ben, moderator, course);
  await aStaleChangeIsRefused(staff, course);
  await aFreedSeatGoesToWhoWaits(ada, ben, course);
}

function same<Value>(found: Value, wanted: Value): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
  }
}

/** What was answered; a problem is an error here. */
async function answered<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
  const { data, error } = await asked;
  if (error !== undefined) throw new Error(`${error.type}: ${error.detail}`);
  return data as Data;
}

/** The problem that the attempt meets. */
async function refused(asked: Promise<Answer<unknown>>): Promise<Problem> {
  const { error } = await asked;
  if (error === undefined) throw new Error('That should have been refused.');
  return error;
}

function client(token?: string): Lectern {
  return new Lectern({ client: createClient({ baseUrl: url, auth: token ?? '' }) });
}

async function signedIn(email: string): Promise<Lectern> {
  const pair = await answered(client().accounts.signIn({ body: { email, password } }));
  return client(pair.access);
}

async function newcomer(name: string): Promise<Lectern> {
  const email = `${name.toLowerCase()}-${run}@example.org`;
  const user = await answered(client().accounts.register({ body: { email, password, display_name: name } }));
  const wrong = await refused(client().accounts.signIn({ body: { email, password: 'nonsense' } }));
  same(wrong.type, ProblemType.INVALID_CREDENTIALS);
  const lectern = await signedIn(email);
  same((await answered(lectern.accounts.me())).id, user.id);
  return lectern;
}

/** An open course with a waitlist; the request that made it was sent twice, and made it once. */
async function aCourseWithOneSeat(staff: Lectern): Promise<string> {
  const body = { title: `Knots ${run}`, capacity: 1, waitlist_enabled: true };
  const headers = { 'Idempotency-Key': run };
  const course = await answered(staff.courses.create({ body, headers }));
  same((await answered(staff.courses.create({ body, headers }))).id, course.id);
  const reused = await refused(staff.courses.create({ body: { title: 'Others' }, headers }));
  same(reused.type, ProblemType.IDEMPOTENCY_KEY_REUSED);
  same(course.status, CourseStatus.DRAFT);
  const opened = await answered(staff.courses.open({ path: { course_id: course.id } }));
  same([opened.course.status, opened.course.seats_available], [CourseStatus.OPEN, 1]);
  return course.id;
}

/** One seat, two people. */
async function theSecondWaits(ada: Lectern, ben: Lectern, course_id: string): Promise<void> {
  const path = { course_id };
  const first = await answered(ada.enrollments.enroll({ path }));
  const second = await answered(ben.enrollments.enroll({ path }));
  if (first.outcome !== 'enrolled' || second.outcome !== 'waitlisted') throw new Error('One seat, two people.');
  same(second.waitlist_entry.position, 1);
  const again = await refused(ada.enrollments.enroll({ path }));
  same([again.type, again.enrollment_id], [ProblemType.ALREADY_ENROLLED, first.enrollment.id]);
  same((await answered(ben.enrollments.standing({ path }))).standing, Standing.WAITLISTED);
  // A problem that may have got another type since is known by its status.
  same((await refused(ada.courses.get({ path: { course_id: 'crs_nowhere' } }))).status, 404);
}

/** A list in pages, from cursor to cursor. */
async function pagesHoldEachCourseOnce(staff: Lectern): Promise<void> {
  const made: string[] = [];
  for (let n = 0; n < 5; n++) {
    made.push((await answered(staff.courses.create({ body: { title: `Page ${n} ${run}` } }))).id);
  }
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { search: `Page ${run}`, limit: 2, cursor };
    const { data, page } = await answered(staff.courses.list({ query }));
    found.push(...data.map((course) => course.id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  same(found.sort(), made.sort());
  const garbage = await refused(staff.courses.list({ query: { cursor: 'garbage' } }));
  same(garbage.type, ProblemType.INVALID_CURSOR);
}

/** A text with a link waits for a moderator. */
async function aHeldReviewIsDecided(ada: Lectern, ben: Lectern, moderator: Lectern, course_id: string): Promise<void> {
  const path = { course_id };
  const body = { rating: 4, comment: `See https://example.org/${run} for my knots.` };
  same((await refused(ben.reviews.write({ path, body }))).type, ProblemType.REVIEW_NOT_ALLOWED);
  const invalid = await refused(ada.reviews.write({ path, body: { rating: 6, comment: '' } }));
  same([invalid.type, invalid.errors?.[0]?.pointer], [ProblemType.INVALID_REQUEST, '/rating']);
  const review = await answered(ada.reviews.write({ path, body }));
  same([review.status, review.public], [ReviewStatus.PENDING, null]);
  same((await answered(ada.reviews.list({ path }))).data, []);

  const review_id = review.id;
  const { version } = await answered(moderator.moderation.get({ path: { review_id } }));
  const waiting = await answered(moderator.moderation.list({ query: { status: ReviewStatus.PENDING, course_id } }));
  same(waiting.data.map((row) => row.id), [review_id]);
  const stale = { decision: ModerationDecision.HIDE, reason: 'Links', version: version + 1 };
  const conflict = await refused(moderator.moderation.decide({ path: { review_id }, body: stale }));
  same([conflict.type, conflict.current_version], [ProblemType.MODERATION_CONFLICT, version]);
  const decision = { decision: ModerationDecision.APPROVE, version };
  const decided = await answered(moderator.moderation.decide({ path: { review_id }, body: decision }));
  same(decided.review.status, ReviewStatus.PUBLISHED);

  same((await answered(ben.reviews.list({ path }))).data.map((row) => row.rating), [4]);
  const summary = await answered(ben.reviews.summary({ path }));
  same([summary.average, summary.count, summary.histogram['4']], [4, 1, 1]);
  const report = { path: { course_id, review_id }, body: { reason: ReportReason.SPAM } };
  await answered(ben.reviews.report(report));
  same((await refused(ben.reviews.report(report))).type, ProblemType.ALREADY_REPORTED);
}

/** Two changes that began from the same version. */
async function aStaleChangeIsRefused(staff: Lectern, course_id: string): Promise<void> {
  const path = { course_id };
  const { response } = await staff.courses.get({ path });
  const headers = { 'If-Match': response!.headers.get('ETag')! };
  same((await answered(staff.courses.update({ path, headers, body: { summary: 'Ropes.' } }))).summary, 'Ropes.');
  const stale = await refused(staff.courses.update({ path, headers, body: { summary: 'No.' } }));
  same(stale.type, ProblemType.PRECONDITION_FAILED);
}

/** Ada leaves, so Ben is in. */
async function aFreedSeatGoesToWhoWaits(ada: Lectern, ben: Lectern, course_id: string): Promise<void> {
  const path = { course_id };
  await answered(ada.enrollments.withdraw({ path }));
  same((await refused(ada.enrollments.standing({ path }))).type, ProblemType.ENROLLMENT_NOT_FOUND);
  same((await answered(ben.enrollments.standing({ path }))).standing, Standing.ENROLLED);
  same((await answered(ben.enrollments.list())).data.map((row) => row.course.id), [course_id]);
}

await main();
