"""What a list of hosts opens, and what the proxy makes of requests that are not quite requests."""

import pytest

from wainwright.domain.hosts import canonical, listed
from wainwright.sandbox import egress


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("pypi.org", "pypi.org"),
        ("PyPI.org.", "pypi.org"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", None),
        ("2130706433", None),
        ("0x7f000001", None),
        ("0177.0.0.1", None),
        ("1.2.3", None),
        ("::1", None),
        ("[::1]", None),
        ("a.example\0.b.example", None),
        ("a.example%00.b.example", None),
        ("user@a.example", None),
        ("a..example", None),
        (".", None),
        ("", None),
        ("-a.example", None),
        ("*.example", None),
        ("a" * 64 + ".example", None),
        ("a.b" * 100, None),
    ],
)
def test_a_host_has_one_spelling(written: str, meant: str | None) -> None:
    assert canonical(written) == meant


def test_an_entry_opens_its_own_port_or_the_usual_two() -> None:
    assert listed("PyPI.org") == [("pypi.org", 80), ("pypi.org", 443)]
    assert listed("pypi.org:8443") == [("pypi.org", 8443)]
    for wrong in (
        "*",
        "10.0.0.1",
        "pypi.org:",
        "pypi.org:0",
        "pypi.org:65536",
        "https://pypi.org",
        "pypi.org/simple",
    ):
        with pytest.raises(ValueError, match="is not a host"):
            listed(wrong)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET https://a.example/ HTTP/1.1\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST http://a.example/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nA: b\nHost: b.example\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\n folded\r\n\r\n",
        b"GET http://a@b.example/ HTTP/1.1\r\n\r\n",
        b"CONNECT a.example HTTP/1.1\r\n\r\n",
        b"CONNECT a.example:99999 HTTP/1.1\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_not_sent_on(head: bytes) -> None:
    with pytest.raises(egress._Refused):
        egress._read(head)


def test_a_request_goes_on_with_the_host_that_was_looked_at() -> None:
    asked = b"POST http://A.example:8080/x?y HTTP/1.1"
    head = asked + b"\r\nHost: b.example\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n"
    request = egress._read(head)
    assert (request.host, request.port, request.body_bytes) == ("a.example", 8080, 3)
    assert request.head == (
        b"POST /x?y HTTP/1.1\r\nHost: a.example:8080\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("nowhere", False),
    ],
)
def test_no_address_of_this_machine_or_its_networks_is_reached(address: str, public: bool) -> None:
    assert egress._is_public(address) == public
