"""An idempotency key among rivals and deaths; what it means over HTTP: `test_http_retries.py`."""

from signal import SIGKILL

import pytest
from django.http import HttpResponse

from common import idempotency
from common.errors import DomainError, IdempotencyKeyInFlight, IdempotencyKeyReused
from common.models import IdempotencyRecord, User
from common.tests.apart import run_apart
from common.tests.dying_process import answer
from common.tests.keyed import make_person, once
from common.tests.races import holding, rival, wave
from common.tests.unchanged import nothing_changed

pytestmark = pytest.mark.django_db(transaction=True)


def is_replay(response: HttpResponse | DomainError) -> bool:
    return isinstance(response, HttpResponse) and "Idempotency-Replayed" in response


class TestTwoRequestsWithOneKey:
    def test_at_the_same_instant_have_one_effect(self) -> None:
        with holding(once) as first:
            with pytest.raises(IdempotencyKeyInFlight):
                once()
            first.commit()
            assert not is_replay(first.result())
        with nothing_changed():
            again = once()
        assert (again.status_code, again.content, is_replay(again)) == (201, b'{"made":"Ada"}', True)
        assert User.objects.count() == 1

    def test_have_two_effects_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(idempotency, "_locked", lambda *_: True)
        make = iter(["one@example.org", "other@example.org"])

        def make_someone() -> HttpResponse:
            User(email=next(make), display_name="Ada").save(force_insert=True)
            return HttpResponse(b"{}", status=201)

        with holding(lambda: once(make_someone)) as first, rival(lambda: once(make_someone)) as second:
            assert second.waits_for(first)  # where both keep their answer, which is too late
            first.commit()
            assert not is_replay(second.result())
        assert User.objects.count() == 2

    def test_do_not_stand_in_the_way_once_the_first_is_undone(self) -> None:
        with holding(once) as first:
            first.undo()
            first.result()
        assert not is_replay(once())
        assert User.objects.count() == 1

    def test_by_different_callers_or_with_different_keys_do_not_meet(self) -> None:
        with holding(once):
            other_caller = lambda: once(lambda: HttpResponse(b"1"), caller="ptn_01h455vb4pex5vsknk084sn02q")  # noqa: E731
            assert other_caller().content == b"1"
            assert once(lambda: HttpResponse(b"2"), key="key-2").content == b"2"

    def test_that_differ_are_refused_only_after_the_first_has_ended(self) -> None:
        with holding(once) as first:
            with pytest.raises(IdempotencyKeyInFlight):
                once(body=b'{"name":"Bob"}')
            first.commit()
            first.result()
        with nothing_changed(), pytest.raises(IdempotencyKeyReused):
            once(body=b'{"name":"Bob"}')

    def test_in_a_wave_of_twenty_have_one_effect(self) -> None:
        outcomes = wave(lambda _: once(), range(20))
        done = [each for each in outcomes if isinstance(each, HttpResponse)]
        assert sum(not is_replay(each) for each in done) == 1
        assert {each.content for each in done} == {b'{"made":"Ada"}'}
        assert {type(each) for each in outcomes} <= {HttpResponse, IdempotencyKeyInFlight}
        assert (User.objects.count(), IdempotencyRecord.objects.count()) == (1, 1)


class TestARefusal:
    def test_is_not_kept_and_the_key_may_be_tried_again(self) -> None:
        def refuse() -> HttpResponse:
            make_person()
            raise IdempotencyKeyReused

        with nothing_changed(), pytest.raises(IdempotencyKeyReused):
            once(refuse)
        assert not is_replay(once())


class TestAProcessThatIsKilled:
    def die(self, instant: str) -> None:
        """Answer the same request in a process of its own, which dies at `instant`."""
        assert run_apart(answer, instant) == -SIGKILL

    def test_before_its_commit_leaves_nothing_and_the_retry_does_the_work(self) -> None:
        with nothing_changed():
            self.die("before the commit")
        assert not is_replay(once())
        assert User.objects.count() == 1

    def test_after_its_commit_leaves_the_answer_for_the_retry(self) -> None:
        self.die("after the commit")
        with nothing_changed():
            again = once()
        assert (again.status_code, again.content, is_replay(again)) == (201, b'{"made":"Ada"}', True)
        assert User.objects.count() == 1
