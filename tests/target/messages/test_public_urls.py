"""URLs of media files: only what anybody can fetch by https."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_clicksend.messages.public_urls import HAS_PASSWORD, NO_URL, NOT_PUBLIC, NOT_SECURE, wrong_url

PRIVATE_V4 = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
    *("172.16.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.1.1.1"),
    *("240.0.0.1", "255.255.255.255"),
)


def spellings(address):
    """Yield the ways in which libc and browsers read an IPv4 address."""
    parts = [int(part) for part in address.split(".")]
    number = int(IPv4Address(address))
    yield address
    yield f"{address}."
    yield str(number)
    yield hex(number)
    yield hex(number).upper()
    yield f"0{number:o}"
    yield ".".join(map(hex, parts))
    yield ".".join(f"0{part:o}" for part in parts)
    yield f"{parts[0]}.{number & 0xFFFFFF}"
    yield f"{parts[0]}.{parts[1]}.{number & 0xFFFF}"
    yield address.replace(".", "\u3002")
    yield "".join(chr(ord(one) + 0xFEE0) if one.isdigit() else one for one in address)
    yield f"[::ffff:{address}]"
    yield f"[::{address}]"
    yield f"[64:ff9b::{address}]"
    yield f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]"


PRIVATE = [host for address in PRIVATE_V4 for host in spellings(address)] + [
    *("[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]"),
    *("[2001:db8::1]", "[2001::1]", "[100::1]", "[fec0::1]"),
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "nas", "nas.", "printer.local", "x.LOCAL."),
    *("metadata.google.internal", "x.internal", "nas.lan", "pc.home.arpa", "x.localdomain", "a.test"),
    *("\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54", "a..com", ".com", "a.com..", "127%2e0.0.1"),
    *("\u0661\u0662\u0667.0.0.\u0661", "1.2.3.4.5", "1.2.3.256", "local\u00adhost.local\u00ad", "a.0x"),
]


def test_what_only_we_could_fetch():
    urls = [f"https://{host}{rest}" for host in PRIVATE for rest in ("/a.jpg", ":8443/a.jpg?x=1#y")]
    assert [url for url in urls if wrong_url(url) not in (NOT_PUBLIC, NO_URL)] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.jpg",
        "HTTPS://Example.COM./a.jpg",
        "https://example.com:8443/a.jpg?key=a@b&c=%20#part",
        "https://bucket_1.s3.eu-central-1.amazonaws.com/a.gif",
        "https://b\u00fccher.de/a.jpg",
        "https://xn--bcher-kva.de/a.jpg",
        "https://8.8.8.8/a.jpg",
        "https://[2606:4700:4700::1111]/a.jpg",
        "https://local.example.com",
        "https://10.example.com/a.jpg",
        "https://localhost.example.com/127.0.0.1",
        "https://internal.io/a.jpg",
    ],
)
def test_what_anybody_can_fetch(url):
    assert wrong_url(url) is None


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://example.com/a.jpg", NOT_SECURE),
        ("HTTP://127.0.0.1/a.jpg", NOT_SECURE),
        ("https://user:pw@example.com/a", HAS_PASSWORD),
        ("https://user@example.com/a", HAS_PASSWORD),
        ("https://:@example.com/a", HAS_PASSWORD),
        ("https://@example.com/a", HAS_PASSWORD),
        ("https://example.com\\@127.0.0.1/a", NO_URL),
        ("https:\\\\example.com/a", NO_URL),
        ("ftp://example.com/a.jpg", NO_URL),
        ("file:///etc/passwd", NO_URL),
        ("data:image/gif;base64,R0lGOD", NO_URL),
        ("//example.com/a.jpg", NO_URL),
        ("example.com/a.jpg", NO_URL),
        ("a.jpg", NO_URL),
        ("https://", NO_URL),
        ("https:///a.jpg", NO_URL),
        ("https:example.com", NO_URL),
        ("https://a b.com/c.jpg", NO_URL),
        ("https://a.com/b c.jpg", NO_URL),
        ("https://a.com/\u200bc.jpg", NO_URL),
        ("https://a.com/\x1b.jpg", NO_URL),
        ("https://[::1/a.jpg", NO_URL),
        ("https://example.com:99999/a", NO_URL),
        ("https://example.com:x/a", NO_URL),
    ],
)
def test_what_is_wrong_is_said(url, wrong):
    assert wrong_url(url) == wrong


@given(st.text() | st.text().map(lambda text: f"https://{text}"))
def test_no_text_ends_in_anything_but_an_answer(text):
    wrong = wrong_url(text)
    assert wrong is None or (wrong.startswith("must be ") and (len(text) < 12 or text not in wrong))


@given(st.ip_addresses())
def test_an_address_is_public_only_where_it_is_global(address):
    host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    if wrong_url(f"https://{host}/a.jpg") is None:
        assert address.is_global
        assert not address.is_multicast
