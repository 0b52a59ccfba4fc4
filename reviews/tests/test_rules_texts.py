"""What people write, in several languages, and whether the rules on links and contact details trip on it."""

import time

import pytest

from reviews import rules

LINKS = (
    "See https://spam.example/x",
    "hxxp://evil.example",
    "HTTP://EXAMPLE.COM",
    "www.cheap-courses.com",
    "Visit cheap-courses.com now",
    "EXAMPLE.COM is better",
    "more at bit.ly/3xYz",
    "t.me/learnfast",
    "join discord.gg/abcd",
    "example[.]com",
    "example (dot) com",
    "example dot com",
    "meinkurs.de ist besser",
    "kurse.рф",
    "пример.ru",
    "ｗｗｗ．ｓｐａｍ．ｃｏｍ",
    "spam\u200b.com",
    "my-blog.co.uk",
    "http : // spam.net",
    "[click](https://x.io)",
    "youtu.be/dQw4w9WgXcQ",
    "example.com:8080/path",
    "x.com",
    "visita micurso.com.br",
    "docs.google.com/forms/d/e/1",
    "beispiel punkt de",
)

NO_LINKS = (
    "3.5/5, would take it again",
    "10 out of 10",
    "e.g. the chapter on knots, i.e. the third one",
    "node.js and Vue.js were explained well, node.js/express too",
    "ASP.NET and VB.NET, ADO.NET, asp.net core",
    ".NET made simple",
    "Loved it.It was great.Info sheets were good.",
    "curso bueno.De verdad",
    "Curso muito bom.Com certeza recomendo",
    "etc./and so on, and/or",
    "Ph.D. level, a.m./p.m. sessions",
    "z.B. die Übungen, u.a. zu Knoten, d.h. alles",
    "main.py and index.html, script.sh, README.md",
    "and v1.2/3.4 came",
    "java.io and java.net, socket.io",
    "the dot com bubble was explained",
    "a dot com company",
    "history of the www.",
    "The first half... was slow",
    "Sehr gut!Danke",
    "C'est bien.Le prof est top.",
    "u.s.w. usw. etc.",
    "The teacher is great.in the end we built it",
    "numpy.array/list",
    "1.5.2024 bis 3.6.2024",
    "x.y.z coordinates",
    "std::io, os.path.join, com.example.thing",
    "U.S. and U.K. law",
    "vs. the other course",
)

CONTACTS = (
    "write to ada@example.org",
    "ada.lovelace+spam@mail.example.co.uk",
    "ada [at] gmail [dot] com",
    "ada(at)gmail(dot)com",
    "ada at gmail dot com",
    "ada at gmail.com",
    "ada @ gmail.com",
    "ada arroba gmail punto com",
    "ada＠example．org",
    "Call +49 170 1234567",
    "+1 (555) 123-4567",
    "+447911123456",
    "0170/1234567",
    "(555) 123-4567",
    "555-123-4567",
    "555.123.4567",
    "5551234567",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "020 7946 0958",
    "090-1234-5678",
    "079 123 45 67",
    "8 (999) 123-45-67",
    "8 800 555 35 35",
    "89991234567",
    "138 0013 8000",
    "13800138000",
    "98765 43210",
    "612 34 56 78",
    "600 123 456",
    "(11) 91234-5678",
    "0049 170 1234567",
    "1-800-555-1234",
    "call me 555-1234",
    "Tel. 123456",
    "电话 13800138000",
    "WhatsApp: +49 170 1234567",
    "text me on WhatsApp",
    "write to me on telegram",
    "telegram @cheapcourses",
    "schreib mir auf WhatsApp",
    "пиши мне в телеграм",
    "٠١٧٠ ١٢٣٤٥٦٧",
    "call me at 5550199",
)

NO_CONTACTS = (
    "3.5/5",
    "10/10 10/10 10/10",
    "from 2019 to 2024, 2019-2020-2021",
    "since 12.05.2024",
    "12/05/2024 10:30 to 12/06/2024 11:30",
    "2024-10-05 2025-01-01",
    "ISBN 978-3-16-148410-0",
    "ISBN 0-306-40615-2",
    "9783161484100",
    "978-0-306-40615-7",
    "3.14159265358979",
    "1 2 3 4 5 6 7 8 9 10",
    "10 20 30 40 50",
    "1 000 000 000 rows",
    "1,000,000,000",
    "1.000.000.000",
    "500 000 000 people",
    "192.168.100.200 and 10.0.0.1",
    "01001000 01101001",
    "0101 1010 0011",
    "09.00-10.30 11.00-12.30",
    "05/2024 06/2024",
    "doi 10.1007/978-3-16-148410",
    "100% in 5 minutes",
    "the WhatsApp group is lovely",
    "Telegram bot course, we built a Telegram bot",
    "Discord: great community",
    "@property and @dataclass explained",
    "2 kg @ 3.50 each",
    "user@host in ssh",
    "pages 100-1200",
    "C++ 2020 2021 2023",
    "+1 for the teacher",
    "salary 60000-70000",
    "0.5 0.75 0.80",
    "the 1990s, 2000s and 2010s",
    "9/10 8/10 10/10",
    "sections 1.2.3.4.5.6.7.8",
    "Chapter 12 1945-1989 1990",
    "they taught us Instagram marketing",
    "the teacher sent us a WhatsApp message",
    "call stack of 10 frames, 1234 lines",
    "1/2/3/4/5 stars",
    "phone cases 12 34",
    "24/7 support, 365 days",
    "bei 30 Grad, 90 Minuten, 12 Wochen",
)

# Each is repeated to the length of the longest comment: what makes a careless pattern take seconds.
MADE_TO_BE_SLOW = (
    "a", "a.", "a-", "1-", "0", "0 ", "01 ", "9-", "978", "@", "a@", "a@a.", "(", "a at ", "a dot ", "www", "http",
    "+1", "A ", "call me ", "write me ", "a[", "[.]", "_", "telegram ", "555 ", "ISBN ", "\u200b", "x.com ",
)  # fmt: skip


class TestHasLink:
    @pytest.mark.parametrize("comment", LINKS)
    def test_sees_an_address(self, comment: str) -> None:
        assert rules.has_link(comment)

    @pytest.mark.parametrize("comment", [*NO_LINKS, *NO_CONTACTS])
    def test_sees_none_in_an_honest_text(self, comment: str) -> None:
        assert not rules.has_link(comment)

    @pytest.mark.parametrize("comment", [each for each in CONTACTS if "@" in each or "gmail" in each])
    def test_leaves_email_addresses_to_the_other_rule(self, comment: str) -> None:
        assert not rules.has_link(comment)


class TestHasContactDetails:
    @pytest.mark.parametrize("comment", CONTACTS)
    def test_sees_how_to_reach_somebody(self, comment: str) -> None:
        assert rules.has_contact_details(comment)

    @pytest.mark.parametrize("comment", [*NO_CONTACTS, *NO_LINKS])
    def test_sees_nothing_in_an_honest_text(self, comment: str) -> None:
        assert not rules.has_contact_details(comment)


class TestBoth:
    @pytest.mark.parametrize("unit", MADE_TO_BE_SLOW)
    def test_are_quick_on_any_text(self, unit: str) -> None:
        comment = (unit * 5000)[:5000]
        started = time.process_time()
        rules.has_link(comment)
        rules.has_contact_details(comment)
        assert time.process_time() - started < 0.5
