"""Who asks too often is refused for a while, and nobody else."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from random import randrange
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from prometheus_client import REGISTRY
from rest_framework.exceptions import Throttled

from common import throttling
from common.accounts.errors import InvalidCredentials
from common.counters import LocalCounters
from common.redis_counters import RedisCounters
from common.tests.factories import PASSWORD, a_person, client_of, staff_member
from common.tests.problems import refused
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import a_partner, partner_client

MINUTE = 60
PRODUCTION = resolve_name("config.settings").THROTTLES
Environment = resolve_name("config.environment").Environment
REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/15")
NO_REDIS = "redis://127.0.0.1:1/0"


@dataclass
class Time:
    """What `common.throttling` takes for the time."""

    now: float

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The beginning of a minute in which nothing has been counted, until a test moves it on."""
    made = Time(randrange(10**7) * float(MINUTE))
    monkeypatch.setattr(throttling, "time", made)
    monkeypatch.setattr(throttling, "_away_until", 0.0)
    return made


@pytest.fixture(params=[pytest.param("", id="local"), pytest.param(REDIS, id="redis", marks=pytest.mark.redis)])
def counters(request: pytest.FixtureRequest, settings: Any, time: Time) -> None:
    """Counters of each kind."""
    settings.CACHE_URL = request.param


@pytest.fixture
def limit(settings: Any, counters: None) -> Callable[..., None]:
    """Sets limits for a minute; all others are off."""

    def set_limits(**counts: int) -> None:
        settings.THROTTLES = {
            **dict.fromkeys(PRODUCTION),
            **{scope: (count, MINUTE) for scope, count in counts.items()},
        }

    return set_limits


def told_to_wait(response: Any, seconds: int = MINUTE) -> None:
    refused(response, 429, "rate_limited")
    assert response["Retry-After"] == str(seconds)


@pytest.mark.django_db
class TestCallers:
    def test_who_read_too_often_wait_until_the_window_ends(self, limit: Callable[..., None], time: Time) -> None:
        limit(reads=2)
        ada = client_of(a_person())
        assert [ada.get("users/me").status_code for _ in range(2)] == [200, 200]
        told_to_wait(ada.get("users/me"))
        time.now += 45.5
        told_to_wait(ada.get("courses"), 15)
        time.now += 14.5
        assert ada.get("users/me").status_code == 200

    def test_who_write_too_often_have_changed_nothing(self, limit: Callable[..., None]) -> None:
        limit(writes=1)
        staff = client_of(staff_member())
        assert staff.post("courses", {"title": "Knots"}).status_code == 201
        with nothing_changed():
            told_to_wait(staff.post("courses", {"title": "Knots"}))
        assert staff.get("courses").status_code == 200

    def test_are_counted_each_for_themselves(self, limit: Callable[..., None]) -> None:
        limit(reads=1, partner=1, anonymous=1)
        callers = [client_of(a_person()), client_of(a_person()), client_of(), partner_client(), partner_client()]
        paths = ["courses"] * 3 + ["partner/enrollments"] * 2
        for status in (200, 429):
            assert [client.get(path).status_code for client, path in zip(callers, paths, strict=True)] == [status] * 5

    def test_with_two_keys_are_one_partner(self, limit: Callable[..., None]) -> None:
        limit(partner=1)
        partner_id = a_partner()
        assert partner_client(partner_id).get("partner/enrollments").status_code == 200
        told_to_wait(partner_client(partner_id).get("partner/events"))

    def test_without_credentials_are_one_for_each_network(self, limit: Callable[..., None]) -> None:
        limit(anonymous=1)
        course = crs(an_open_course())
        assert client_of().get(f"courses/{course}", REMOTE_ADDR="192.0.2.1").status_code == 200
        told_to_wait(client_of().get("courses", REMOTE_ADDR="192.0.2.1"))
        assert client_of().get("courses", REMOTE_ADDR="192.0.2.2").status_code == 200

    def test_without_a_limit_are_not_counted(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(throttling, "_count", None)
        settings.THROTTLES = dict.fromkeys(PRODUCTION)
        assert client_of(a_person()).get("courses").status_code == 200
        assert client_of().get("courses").status_code == 200


class TestCounting:
    def test_lets_exactly_as_many_through_as_the_limit_says_however_many_ask_at_once(
        self, limit: Callable[..., None]
    ) -> None:
        limit(reads=100)

        def passes(_number: int) -> bool:
            try:
                throttling._take("reads", "ada")
            except Throttled:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(passes, range(400))) == 100

    @pytest.mark.redis
    def test_leaves_nothing_in_redis_for_longer_than_a_window(self) -> None:
        shared, key = RedisCounters(REDIS), uuid4().hex
        assert [shared.add(key, 1, seconds=MINUTE) for _ in range(2)] == [1, 2]
        assert 0 < shared._redis.ttl(key) <= MINUTE

    def test_forgets_in_memory_whom_it_has_not_seen_for_longest(self) -> None:
        local = LocalCounters(most=2)
        assert [local.add(key, 1) for key in ("ada", "bob", "ada", "eve", "ada", "bob")] == [1, 1, 2, 1, 3, 1]


@pytest.mark.django_db
class TestSignIn:
    @pytest.fixture(autouse=True)
    def people(self) -> None:
        for email in ("ada@example.org", "bob@example.org"):
            client_of().post("auth/register", {"email": email, "password": PASSWORD, "display_name": "A"})

    def sign_in(self, email: str = "ada@example.org", password: str = "wrong", **extra: Any) -> Any:
        return client_of().post("auth/token", {"email": email, "password": password}, **extra)

    def test_is_refused_after_too_many_wrong_passwords_also_with_the_right_one(
        self, limit: Callable[..., None], time: Time
    ) -> None:
        limit(sign_in_by_account=2)
        for _ in range(2):
            refused(self.sign_in(), 401, "invalid_credentials")
        with nothing_changed():
            told_to_wait(self.sign_in(password=PASSWORD))
        assert self.sign_in("bob@example.org", PASSWORD).status_code == 200
        time.now += MINUTE
        assert self.sign_in(password=PASSWORD).status_code == 200

    @pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
    def test_answers_alike_for_known_and_unknown_emails(self, limit: Callable[..., None], email: str) -> None:
        limit(sign_in_by_account=1)
        refused(self.sign_in(email), 401, "invalid_credentials")
        told_to_wait(self.sign_in(f" {email.upper()}"))

    def test_that_succeeds_does_not_count(self, limit: Callable[..., None]) -> None:
        limit(sign_in_by_account=1, sign_in_by_network=1)
        assert [self.sign_in(password=PASSWORD).status_code for _ in range(4)] == [200] * 4
        refused(self.sign_in(), 401, "invalid_credentials")
        told_to_wait(self.sign_in())

    def test_counts_while_it_runs(self, limit: Callable[..., None]) -> None:
        limit(sign_in_by_account=1)
        guess = {"email": "ada@example.org", "meta": {"REMOTE_ADDR": "192.0.2.1"}}
        with throttling.failures(InvalidCredentials, **guess):
            told_to_wait(self.sign_in(password=PASSWORD))

    def test_is_refused_to_a_network_that_tries_one_email_after_the_other(self, limit: Callable[..., None]) -> None:
        limit(sign_in_by_network=2)
        for number in range(2):
            assert self.sign_in(f"nobody{number}@example.org", REMOTE_ADDR="192.0.2.1").status_code == 401
        told_to_wait(self.sign_in("ada@example.org", PASSWORD, REMOTE_ADDR="192.0.2.1"))
        assert self.sign_in("ada@example.org", PASSWORD, REMOTE_ADDR="192.0.2.2").status_code == 200

    def test_by_registering_what_is_taken_is_a_guess_as_well(self, limit: Callable[..., None]) -> None:
        limit(sign_in_by_network=1)
        new = {"email": "new@example.org", "password": PASSWORD, "display_name": "A"}
        assert client_of().post("auth/register", new).status_code == 201
        refused(client_of().post("auth/register", new), 409, "email_already_registered")
        told_to_wait(client_of().post("auth/register", {**new, "email": "newer@example.org"}))

    def test_is_limited_for_staff_pages_too(self, limit: Callable[..., None]) -> None:
        limit(sign_in_by_account=2)
        for _ in range(2):
            guess = {"username": "ada@example.org", "password": "wrong"}
            assert Client().post("/admin/login/", guess).status_code == 200
        response = Client().post("/admin/login/", {**guess, "password": PASSWORD})
        assert (response.status_code, response["Retry-After"]) == (429, "60")
        assert b"Try again in 60 seconds" in response.content
        told_to_wait(self.sign_in(password=PASSWORD))

    def test_is_limited_by_default(self) -> None:
        assert PRODUCTION["sign_in_by_account"] == (10, 900)
        assert PRODUCTION["sign_in_by_network"] == (300, 900)


class TestSettings:
    @pytest.mark.parametrize(
        ("text", "rate"),
        [("600/m", (600, 60)), ("10/15m", (10, 900)), ("5/2h", (5, 7_200)), ("1/d", (1, 86_400)), ("", None)],
    )
    def test_say_how_many_in_how_long(
        self, text: str, rate: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("THROTTLE_READS", text)
        environment = Environment(Path("/nowhere"))
        assert environment.rate("THROTTLE_READS", "1/s") == rate
        environment.finish()

    @pytest.mark.parametrize("text", ["600", "0/m", "10/0m", "ten/m", "10/w", "-1/m", "10/m/m", "10 / m"])
    def test_that_cannot_be_read_are_refused(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("THROTTLE_READS", text)
        environment = Environment(Path("/nowhere"))
        environment.rate("THROTTLE_READS", "1/s")
        with pytest.raises(ImproperlyConfigured, match="THROTTLE_READS: must be a limit such as"):
            environment.finish()


class TestNetwork:
    @pytest.mark.parametrize(
        ("proxies", "remote", "forwarded", "network"),
        [
            (0, "192.0.2.1", None, "192.0.2.1"),
            (0, "192.0.2.1", "198.51.100.7", "192.0.2.1"),
            (1, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
            (1, "10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
            (2, "10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            (2, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
            (1, "10.0.0.1", None, "10.0.0.1"),
            (1, "10.0.0.1", "nonsense", "10.0.0.1"),
            (0, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
            (0, "2001:db8:1:2:ffff::1", None, "2001:db8:1:2::/64"),
            (0, "::ffff:192.0.2.1", None, "192.0.2.1"),
            (0, "", None, "unknown"),
        ],
    )
    def test_is_that_of_the_client_as_far_as_it_can_be_believed(
        self, settings: Any, proxies: int, remote: str, forwarded: str | None, network: str
    ) -> None:
        settings.TRUSTED_PROXIES = proxies
        meta = {"REMOTE_ADDR": remote} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
        assert throttling.network_of(meta) == network


def counted_alone() -> float:
    return REGISTRY.get_sample_value("throttle_counters_away_total") or 0.0


class TestRedisThatIsAway:
    @pytest.fixture(autouse=True)
    def away(self, settings: Any, time: Time) -> None:
        settings.CACHE_URL = NO_REDIS
        settings.THROTTLES = {**dict.fromkeys(PRODUCTION), "reads": (2, MINUTE)}

    @pytest.mark.django_db
    def test_leaves_each_process_to_count_for_itself(self) -> None:
        before, ada = counted_alone(), client_of(a_person())
        assert [ada.get("courses").status_code for _ in range(3)] == [200, 200, 429]
        assert counted_alone() == before + 3

    def test_is_asked_and_logged_once_in_a_while(self, time: Time, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            for expected in (1, 1, 1, 2):
                throttling._count("key", MINUTE, 1)
                assert len(caplog.records) == expected
                time.now += 4
