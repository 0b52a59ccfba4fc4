"""Which addresses may be sent to, and what an address must look like."""

import socket
import threading
import time
from typing import Any

import pytest

from common.tests.patience import PATIENCE_SECONDS
from common.webhooks import addresses, targets

PUBLIC = """
    1.1.1.1 8.8.8.8 93.184.215.14 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 223.255.255.255
    2606:4700:4700::1111 2a00:1450:4001:81b::200e 2620:fe::fe
    64:ff9b::8.8.8.8
"""
NOT_PUBLIC = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254
    168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.9 192.0.2.1 192.88.99.1
    192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::1
    100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1
    4000::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 2606:4700:4700::1111%eth0 fec0::1 ff02::1
    localhost 1.1.1 1.1.1.1.1
"""


class TestIsPublic:
    @pytest.mark.parametrize("address", PUBLIC.split())
    def test_says_so_of_hosts_of_the_internet(self, address: str) -> None:
        assert addresses.is_public(address)

    @pytest.mark.parametrize("address", NOT_PUBLIC.split())
    def test_says_no_of_everything_else_however_it_is_wrapped(self, address: str) -> None:
        assert not addresses.is_public(address)


class TestParse:
    @pytest.mark.parametrize(
        ("url", "host", "port", "path", "authority"),
        [
            ("https://example.org", "example.org", 443, "/", "example.org"),
            ("https://EXAMPLE.org:443/a/b?c=d&e", "example.org", 443, "/a/b?c=d&e", "example.org"),
            ("https://example.org:8443/?x", "example.org", 8443, "/?x", "example.org:8443"),
            ("https://[2606:4700::1111]:8443/h", "2606:4700::1111", 8443, "/h", "[2606:4700::1111]:8443"),
        ],
    )
    def test_takes_an_address_apart(self, url: str, host: str, port: int, path: str, authority: str) -> None:
        target = targets.parse(url, allow_private=False)

        assert (target.host, target.port, target.path, target.is_tls) == (host, port, path, True)
        assert target.authority == authority

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("", "invalid"),
            ("hooks.example.org", "scheme"),
            ("http://example.org/", "scheme"),
            ("ftp://example.org/", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("https://", "invalid"),
            ("https:///path", "invalid"),
            ("https://user@example.org/", "invalid"),
            ("https://:secret@example.org/", "invalid"),
            ("https://example.org/#part", "invalid"),
            ("https://example.org/a b", "invalid"),
            ("https://example.org/a\r\nX-Other: 1", "invalid"),
            ("https://exämple.org/", "invalid"),
            ("https://example.org\\@internal/", "invalid"),
            ("https://[fe80::1%25eth0]/", "invalid"),
            ("https://[::1/", "invalid"),
            ("https://example.org:99999/", "invalid"),
            ("https://example.org:port/", "invalid"),
            ("https://example.org:0/", "port"),
            ("https://example.org:22/", "port"),
            ("https://example.org:1023/", "port"),
            ("https://example.org/" + "a" * 2000, "invalid"),
        ],
    )
    def test_refuses_what_could_not_or_must_not_be_sent_to(self, url: str, code: str) -> None:
        with pytest.raises(targets.BadAddress) as refusal:
            targets.parse(url, allow_private=False)
        assert refusal.value.code == code

    def test_takes_one_without_tls_where_private_ones_are_allowed(self) -> None:
        target = targets.parse("http://127.0.0.1/hook", allow_private=True)

        assert (target.is_tls, target.port, target.authority) == (False, 80, "127.0.0.1")


def answering(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """The system's resolver says that every name stands for these addresses."""
    entries: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]
    monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_, **__: entries)


class TestResolve:
    target = targets.parse("https://hooks.example.org/", allow_private=False)

    def test_gives_each_address_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answering(monkeypatch, "1.1.1.1", "8.8.8.8", "1.1.1.1")

        assert targets.resolve(self.target, seconds=1) == ["1.1.1.1", "8.8.8.8"]

    @pytest.mark.parametrize("found", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"]])
    def test_refuses_a_name_of_which_one_address_is_not_public(
        self, found: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, *found)

        with pytest.raises(targets.AddressRefused):
            targets.resolve(self.target, seconds=1)

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "localhost.", "[::1]"]
    )
    def test_refuses_loopback_however_it_is_written(self, host: str) -> None:
        with pytest.raises((targets.AddressRefused, targets.NameUnknown)):
            targets.resolve(targets.parse(f"https://{host}/", allow_private=False), seconds=5)

    @pytest.mark.parametrize("host", ["a" * 64 + ".example", "example..org"])
    def test_does_not_know_a_name_that_cannot_be_one(self, host: str) -> None:
        with pytest.raises(targets.NameUnknown):
            targets.resolve(targets.parse(f"https://{host}/", allow_private=False), seconds=5)

    def test_does_not_wait_longer_than_it_may(self, monkeypatch: pytest.MonkeyPatch) -> None:
        is_over = threading.Event()
        monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *_, **__: is_over.wait(PATIENCE_SECONDS))
        started = time.monotonic()

        with pytest.raises(targets.NameUnknown):
            targets.resolve(self.target, seconds=0.2)

        assert time.monotonic() - started < PATIENCE_SECONDS / 2
        is_over.set()
