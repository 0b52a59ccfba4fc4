from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from reviews import rules
from reviews.errors import InvalidDecision
from reviews.types import Circumstances, Decision, HoldPolicy, HoldReason, Status

PENDING, PUBLISHED, HIDDEN = Status.PENDING, Status.PUBLISHED, Status.HIDDEN
APPROVE, HIDE = Decision
LEGAL = {
    (PENDING, APPROVE): PUBLISHED,
    (PENDING, HIDE): HIDDEN,
    (PUBLISHED, HIDE): HIDDEN,
    (HIDDEN, APPROVE): PUBLISHED,
}
POLICY = HoldPolicy(
    words=("casino", "make money fast", "赌场"),
    shouting_share=0.7,
    shouting_min_letters=20,
    duplicate_min_length=30,
    reviews_per_window=5,
    window=timedelta(hours=1),
    reports_to_hold=3,
)
HARMLESS = "We learned to tie knots."


def hold_reason(comment: str = HARMLESS, **around: Any) -> HoldReason | None:
    usual = {"is_public_already": False, "hidden_before": False, "stands_elsewhere": False, "written_in_window": 0}
    return rules.hold_reason(comment=comment, around=Circumstances(**{**usual, **around}), policy=POLICY)


class TestCheckDecision:
    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("decision", Decision)
    def test_lets_pass_the_four_legal_steps_and_no_other(self, status: Status, decision: Decision) -> None:
        following = LEGAL.get((status, decision))
        if following is not None:
            ask = {"status": status, "decision": decision, "is_retracted": False}
            assert rules.check_decision(open_reports=0, **ask) is following
            assert rules.check_decision(open_reports=1, **ask) is following
            return
        with pytest.raises(InvalidDecision) as refusal:
            rules.check_decision(status=status, decision=decision, open_reports=0, is_retracted=False)
        assert refusal.value.details == {"current_status": status.value}

    def test_keeps_a_published_review_against_open_reports(self) -> None:
        following = rules.check_decision(status=PUBLISHED, decision=APPROVE, open_reports=1, is_retracted=False)
        assert following is PUBLISHED

    def test_refuses_to_hide_what_is_hidden_whatever_the_reports(self) -> None:
        with pytest.raises(InvalidDecision, match="hidden already"):
            rules.check_decision(status=HIDDEN, decision=HIDE, open_reports=9, is_retracted=False)

    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("decision", Decision)
    def test_refuses_every_decision_on_a_retracted_review(self, status: Status, decision: Decision) -> None:
        with pytest.raises(InvalidDecision, match="taken the review back") as refusal:
            rules.check_decision(status=status, decision=decision, open_reports=3, is_retracted=True)
        assert refusal.value.details == {"current_status": "retracted"}


class TestReportsHold:
    @pytest.mark.parametrize(("open_reports", "holds"), [(0, False), (2, False), (3, True), (4, True)])
    def test_from_the_threshold_on(self, open_reports: int, holds: bool) -> None:
        assert rules.reports_hold(open_reports=open_reports, is_kept=False, policy=POLICY) is holds

    def test_never_what_a_moderator_has_kept(self) -> None:
        assert not rules.reports_hold(open_reports=99, is_kept=True, policy=POLICY)


class TestHoldReason:
    def test_is_none_for_a_harmless_text(self) -> None:
        assert hold_reason() is None
        assert hold_reason("") is None

    @pytest.mark.parametrize(
        ("comment", "around", "reason"),
        [
            (HARMLESS, {"hidden_before": True}, HoldReason.HIDDEN_BEFORE),
            ("See https://spam.example", {}, HoldReason.LINKS),
            ("Write to ada@example.org", {}, HoldReason.CONTACT),
            ("Better than any casino.", {}, HoldReason.WORDS),
            ("WORST COURSE EVER, DO NOT BUY", {}, HoldReason.SHOUTING),
            (HARMLESS, {"stands_elsewhere": True}, HoldReason.DUPLICATE),
            (HARMLESS, {"written_in_window": 5}, HoldReason.FREQUENCY),
        ],
    )
    def test_names_the_rule_that_tripped(self, comment: str, around: dict[str, Any], reason: HoldReason) -> None:
        assert hold_reason(comment, **around) is reason

    def test_names_the_first_of_several(self) -> None:
        comment = "CASINO CASINO CASINO www.spam.example ada@example.org"
        assert hold_reason(comment, stands_elsewhere=True, written_in_window=9) is HoldReason.LINKS

    def test_lets_the_last_review_within_the_limit_pass(self) -> None:
        assert hold_reason(written_in_window=4) is None

    def test_passes_over_a_text_that_others_see_already(self) -> None:
        around = {"stands_elsewhere": True, "written_in_window": 9}
        assert hold_reason("See https://spam.example", is_public_already=True, **around) is None


class TestHasListedWord:
    @pytest.mark.parametrize(
        "comment",
        ["casino", "The CASINO, again", "Casino!", "cásino", "ｃａｓｉｎｏ", "cas\u00adino", "_casino_",
         "You make  money, FAST!", "这里是赌场广告"],
    )  # fmt: skip
    def test_whatever_its_case_accents_and_punctuation(self, comment: str) -> None:
        assert rules.has_listed_word(comment, POLICY.words)

    @pytest.mark.parametrize("comment", ["casinos and occasions", "make money, not fast", "赌 and 场", "", "!"])
    def test_not_as_a_part_of_another(self, comment: str) -> None:
        assert not rules.has_listed_word(comment, POLICY.words)

    @pytest.mark.parametrize("words", [(), ("",), ("!",)])
    def test_without_words_nothing_is_listed(self, words: tuple[str, ...]) -> None:
        assert not rules.has_listed_word("anything, really!", words)


class TestIsShouting:
    @pytest.mark.parametrize(
        "comment",
        ["THIS IS THE WORST COURSE EVER", "AWESOME!!! SUPERB!!! FANTASTIC!!!", "ЭТОТ КУРС УЖАСЕН, НЕ БЕРИТЕ",
         "ΤΟ ΧΕΙΡΟΤΕΡΟ ΜΑΘΗΜΑ ΠΟΤΕ", "DAS WAR NICHT SCHÖN, ÜBERHAUPT NICHT", "AAAAAAAAAAAAAAAAAAAAAAAA"],
    )  # fmt: skip
    def test_in_capitals(self, comment: str) -> None:
        assert rules.is_shouting(comment, POLICY)

    @pytest.mark.parametrize(
        "comment",
        ["", "WOW, GREAT COURSE", "I loved it. NEVER would I have thought so.",
         "这门课讲了 HTML, CSS, SQL, 非常好, 我学到了很多东西", "Covers HTML, CSS, JSON, REST, HTTP, SQL.",
         "1234567890 !!! ??? 1234567890", "ثلاث نجوم من خمسة لهذا المساق"],
    )  # fmt: skip
    def test_not_in_short_texts_single_words_abbreviations_and_scripts_without_capitals(self, comment: str) -> None:
        assert not rules.is_shouting(comment, POLICY)

    def test_from_the_share_on(self) -> None:
        at_the_share = "A" * 14 + " " + "a" * 6
        assert rules.is_shouting(at_the_share, POLICY)
        assert not rules.is_shouting(at_the_share, replace(POLICY, shouting_share=0.71))
        assert not rules.is_shouting(at_the_share, replace(POLICY, shouting_min_letters=21))


class TestDigest:
    TEXT = "I read a sonnet to my grandmother, and she cried."

    @pytest.mark.parametrize(
        "copy",
        [
            "i READ a sonnet to my grandmother and she cried",
            "  I read a sonnet\nto my grandmother -- and she cried!!! ",
            "I réad a sonnèt to my grandmother, and she cried.",
            "I read a son\u200bnet to my grandmother, and she cried.",
            "Ｉ read a sonnet to my grandmother, and she cried. 👍",
        ],
    )
    def test_is_that_of_a_copy_with_small_changes(self, copy: str) -> None:
        assert rules.digest(copy, POLICY) == rules.digest(self.TEXT, POLICY)

    @pytest.mark.parametrize(
        "other",
        [
            "I read a sonnet to my grandfather, and she cried.",
            "I read a sonnet to my grandmother, and she cried. Twice.",
        ],
    )
    def test_is_not_that_of_another_text(self, other: str) -> None:
        assert rules.digest(other, POLICY) != rules.digest(self.TEXT, POLICY)

    def test_tells_vowel_signs_apart(self) -> None:
        one, other = "किताब " * 8, "कताबी " * 8
        assert rules.digest(one, POLICY) != rules.digest(other, POLICY)

    @pytest.mark.parametrize("comment", ["", "Great course!", "👍" * 40, "!?" * 40, "a" * 29])
    def test_is_none_for_a_text_too_short_to_tell(self, comment: str) -> None:
        assert rules.digest(comment, POLICY) is None

    def test_is_there_from_the_length_on(self) -> None:
        assert rules.digest("a" * 30, POLICY) is not None


class TestAverage:
    @pytest.mark.parametrize(
        ("counts", "expected"),
        [
            ((0, 0, 0, 0, 0), None),
            ((0, 0, 0, 0, 1), "5.00"),
            ((1, 0, 0, 0, 1), "3.00"),
            ((0, 0, 0, 1, 2), "4.67"),
            ((0, 0, 0, 199, 1), "4.01"),
            ((0, 0, 199, 1, 0), "3.01"),
            ((10**6, 10**6, 10**6, 10**6, 10**6), "3.00"),
        ],
    )
    def test_is_the_mean_to_two_decimals_with_halves_up(self, counts: tuple[int, ...], expected: str | None) -> None:
        assert rules.average(counts) == (None if expected is None else Decimal(expected))
