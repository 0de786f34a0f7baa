"""What the one HTTP client promises: `responses` for single answers, a real socket for the rest."""

from __future__ import annotations

import base64
import gzip
import logging
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

import itpm_sync.http
from itpm_sync.errors import (
    ConnectionFailed,
    NotFound,
    PreconditionFailed,
    RequestRejected,
    RetryableError,
    Stopped,
)
from itpm_sync.http import BasicAuth, HttpClient, RateBudget, Redactor, TokenAuth, retry_after_s

BASE = "https://jira.example"
NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[HttpClient]:
    made = HttpClient(BASE, auth=TokenAuth("tok-SECRET"), clock=clock, sleep=clock.sleep)
    yield made
    made.close()


@pytest.fixture
def answers() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


class Server:
    """A loopback server that plays one scripted answer per request and keeps what it was sent."""

    def __init__(self) -> None:
        self.script: list[bytes | Callable[[socket.socket], None]] = []
        self.requests: list[str] = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.requests.append(_received(self.request))
                step = outer.script.pop(0) if outer.script else answer(b"{}")
                if callable(step):
                    step(self.request)
                else:
                    self.request.sendall(step)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _received(connection: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data.decode()
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-l")),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return (head + b"\r\n\r\n" + body).decode()


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {said}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    linger_zero = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
    connection.close()


def say_nothing(connection: socket.socket) -> None:
    connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def local(server: Server, clock: Clock) -> Iterator[HttpClient]:
    made = HttpClient(
        server.url, auth=BasicAuth("bot", "p@ss w/rd"), clock=clock, sleep=clock.sleep, attempts=3
    )
    yield made
    made.close()


# ---- what is repeated ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_request_that_may_be_repeated_is_repeated_after_a_server_error(
    client: HttpClient, answers: responses.RequestsMock, method: str
) -> None:
    answers.add(method, f"{BASE}/a", status=500)
    answers.add(method, f"{BASE}/a", status=502)
    answers.add(method, f"{BASE}/a")
    answer, _ = client.request(method, "a")
    assert (answer.status, len(answers.calls)) == (200, 3)


@pytest.mark.parametrize(("status", "headers"), [(500, {}), (503, {"Retry-After": "2"}), (408, {})])
def test_a_post_is_never_blindly_repeated(
    client: HttpClient, answers: responses.RequestsMock, status: int, headers: dict[str, str]
) -> None:
    answers.add("POST", f"{BASE}/comment", status=status, headers=headers)
    with pytest.raises(RetryableError, match=f"POST {BASE}/comment: {status}"):
        client.json("POST", "comment", body={"text": "hello"})
    assert len(answers.calls) == 1


def test_a_post_that_the_caller_calls_idempotent_is_repeated(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("POST", f"{BASE}/search", status=500)
    answers.add("POST", f"{BASE}/search", json={"issues": []})
    assert client.json("POST", "search", body={"jql": "x"}, idempotent=True) == {"issues": []}


def test_a_post_answered_429_was_not_acted_upon_and_is_repeated(
    client: HttpClient, answers: responses.RequestsMock, clock: Clock
) -> None:
    answers.add("POST", f"{BASE}/comment", status=429, headers={"Retry-After": "7"})
    answers.add("POST", f"{BASE}/comment", json={"id": "1"})
    assert client.json("POST", "comment", body={}) == {"id": "1"}
    assert 7 <= sum(clock.slept) <= 7 * 1.25 + 0.1


def test_a_lost_answer_repeats_a_get_but_leaves_a_post_unknown(
    server: Server, local: HttpClient
) -> None:
    server.script = [say_nothing, reset, answer(b'{"n": 1}')]
    assert local.get("a") == {"n": 1}
    assert len(server.requests) == 3
    server.script = [reset]
    with pytest.raises(RetryableError, match=r"POST http://127\.0\.0\.1:\d+/a"):
        local.json("POST", "a", body={})
    assert len(server.requests) == 4


def test_after_the_last_attempt_the_connection_failed_with_the_reason_of_the_last(
    client: HttpClient, answers: responses.RequestsMock, clock: Clock
) -> None:
    answers.add("GET", f"{BASE}/a", status=500, json={"errorMessages": ["index is locked"]})
    with pytest.raises(ConnectionFailed, match=r"500 \(index is locked\); gave up after 5 att"):
        client.get("a")
    assert len(answers.calls) == 5
    waits = [0.5, 1, 2, 4]
    assert all(w <= s <= w * 1.25 for w, s in zip(waits, clock.slept, strict=True))


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, RequestRejected), (401, ConnectionFailed), (403, RequestRejected), (404, NotFound),
        (409, PreconditionFailed), (410, NotFound), (412, PreconditionFailed),
        (422, RequestRejected),
    ],
)  # fmt: skip
def test_what_the_source_refuses_for_good_is_asked_once_and_named_by_reaction(
    client: HttpClient, answers: responses.RequestsMock, status: int, raised: type[Exception]
) -> None:
    answers.add("GET", f"{BASE}/a", status=status, json={"errorMessages": ["no", "way"]})
    with pytest.raises(raised) as failure:
        client.get("a")
    assert type(failure.value) is raised
    assert len(answers.calls) == 1
    if status != 401:
        assert "(no; way)" in str(failure.value)


def test_a_status_that_the_caller_allows_is_an_answer(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("GET", f"{BASE}/property", status=404, json={"gone": True})
    answer, data = client.request("GET", "property", allow=(404,), parse=True)
    assert (answer.status, data) == (404, {"gone": True})


# ---- how long we wait ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Fri, 01 Mar 2024 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Fri, 01 Mar 2024 11:00:00 GMT"}, 0.0),
        ({"X-RateLimit-Reset": "2024-03-01T12:01:00Z"}, 60.0),
        ({"X-RateLimit-Reset": "2024-03-01T13:01+01:00"}, 60.0),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 5)}, 5.0),
        ({"Retry-After": "3", "X-RateLimit-Reset": "2024-03-01T12:01:00Z"}, 3.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_the_pause_is_read_as_seconds_http_date_iso_stamp_or_epoch(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, NOW) == seconds


@given(st.text() | st.from_regex(r"\A\w{3}, \d{1,3} Mar \d{1,6} \d\d:\d\d:\d\d [+-]\d{1,30}\Z"))
def test_no_retry_after_however_odd_breaks_the_client(value: str) -> None:
    pause = retry_after_s({"Retry-After": value}, NOW)
    assert pause is None or pause >= 0


def test_one_refusal_makes_all_threads_wait_and_go_on_slower(clock: Clock) -> None:
    budget = RateBudget(clock=clock, sleep=clock.sleep)
    budget.refused(10)
    starts: list[float] = []

    def send() -> None:
        budget.wait_turn()
        starts.append(clock.now)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(starts) >= 1010
    assert budget.interval_s == 0.02
    assert max(starts) - min(starts) >= 3 * 0.02 - 1e-6


def test_the_pace_halves_with_each_refusal_up_to_five_seconds_and_recovers_with_successes(
    clock: Clock,
) -> None:
    budget = RateBudget(clock=clock, sleep=clock.sleep)
    for _ in range(3):
        budget.refused(0)
    assert budget.interval_s == pytest.approx(0.08)
    for _ in range(20):
        budget.refused(0)
    assert budget.interval_s == 5.0
    for _ in range(100):
        budget.accepted()
    assert budget.interval_s == 0.0


def test_a_pause_beyond_our_patience_ends_the_connection_for_every_thread_without_waiting(
    client: HttpClient, answers: responses.RequestsMock, clock: Clock
) -> None:
    answers.add("GET", f"{BASE}/a", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(ConnectionFailed, match="pause of 3600 s"):
        client.get("a")
    with pytest.raises(ConnectionFailed, match="pause of 3600 s"):
        client.get("b")
    assert (len(answers.calls), clock.slept) == (1, [])


# ---- one origin ---------------------------------------------------------------------------------


def test_paths_and_next_page_links_stay_below_the_base_url(clock: Clock) -> None:
    client = HttpClient("https://host.example/jira/")
    assert client.resolve("rest/api/2/search") == "https://host.example/jira/rest/api/2/search"
    assert client.resolve("/rest/x?a=http://b") == "https://host.example/jira/rest/x?a=http://b"
    link = "https://HOST.example:443/jira/rest?startAt=50"
    assert client.resolve(link) == link
    for hostless in ("https:///evil.example/", "///evil.example/"):
        assert client.resolve(hostless) == "https://host.example/evil.example/"
    client.close()


@pytest.mark.parametrize(
    "link",
    [
        "//evil.example/x", "https://evil.example/x", "http://jira.example/x",
        "https://jira.example:8443/x", "https://jira.example@evil.example/",
        "https://user:pw@jira.example/", "https://evil.example\\@jira.example/",
        "https://jira.example.evil.example/", " //evil.example", "ftp://jira.example/x",
        "https://[", "https://jira.example:99999/",
    ],
)  # fmt: skip
def test_a_next_page_link_never_leaves_for_another_host(client: HttpClient, link: str) -> None:
    with pytest.raises(ConnectionFailed, match="pointed to another host"):
        client.resolve(link)


@pytest.mark.parametrize(
    "target", ["//evil.example/x", "http://jira.example/x", "https://jira.example@evil.example/"]
)
def test_a_redirect_never_leaves_for_another_host(
    client: HttpClient, answers: responses.RequestsMock, target: str
) -> None:
    answers.add("GET", f"{BASE}/a", status=302, headers={"Location": target})
    with pytest.raises(ConnectionFailed, match="pointed to another host"):
        client.get("a")
    assert len(answers.calls) == 1


def test_a_redirect_within_the_origin_is_followed_with_our_login(
    server: Server, local: HttpClient
) -> None:
    server.script = [
        answer(b"", "Location: /new?page=2", status="302 Found"),
        answer(b'{"n": 2}'),
    ]
    assert local.get("old", {"page": 1}) == {"n": 2}
    assert server.requests[1].startswith("GET /new?page=2 ")
    assert "\r\nAuthorization: Basic " in server.requests[1]


def test_a_circle_of_redirects_ends(client: HttpClient, answers: responses.RequestsMock) -> None:
    answers.add("GET", f"{BASE}/a", status=302, headers={"Location": "/a"})
    with pytest.raises(ConnectionFailed, match="redirects in a circle"):
        client.get("a")
    assert len(answers.calls) == 5


def test_a_redirected_write_is_not_repeated_elsewhere(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    moved = {"Location": "/b?token=tok-SECRET"}
    answers.add("POST", f"{BASE}/a", status=307, headers=moved)
    with pytest.raises(ConnectionFailed, match=r"POST .*/a was redirected to /b ") as failure:
        client.json("POST", "a", body={})
    assert "SECRET" not in str(failure.value)


@pytest.mark.parametrize(
    "url", ["jira.example", "ftp://jira.example", "https://", "https://[", "https://h:99999", ""]
)
def test_a_base_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConnectionFailed, match=r"not an http\(s\) URL"):
        HttpClient(url)


@pytest.mark.parametrize(
    "url", ["https://bot:hunter22@jira.example", "https://bot:hunter22@h:port"]
)
def test_a_password_in_the_base_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConnectionFailed) as failure:
        HttpClient(url)
    assert "hunter22" not in str(failure.value)


# ---- login --------------------------------------------------------------------------------------


def test_netrc_neither_replaces_our_login_nor_adds_one(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for auth in (TokenAuth("tok-1"), None):
        client = HttpClient(server.url, auth=auth)
        client.get("a")
        client.close()
    assert "\r\nAuthorization: Bearer tok-1\r\n" in server.requests[0]
    assert "authorization:" not in server.requests[1].lower()


def test_logins_are_sent_as_their_systems_want_them(server: Server) -> None:
    logins = [
        BasicAuth("bot", "pä:ss"),
        TokenAuth("abc", scheme="token"),
        TokenAuth("k-1", scheme="", header="X-Api-Key"),
    ]
    for auth in logins:
        client = HttpClient(server.url, auth=auth)
        client.get("a")
        client.close()
    basic = base64.b64encode("bot:pä:ss".encode()).decode()
    wanted = [f"Authorization: Basic {basic}", "Authorization: token abc", "X-Api-Key: k-1"]
    assert all(w in r for w, r in zip(wanted, server.requests, strict=True))


@pytest.mark.parametrize("token", ["two\nlines", "smart“quote"])
def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ConnectionFailed, match="no HTTP header can carry") as failure:
        TokenAuth(token)
    assert token not in str(failure.value)


def test_cookies_are_not_kept(server: Server, local: HttpClient) -> None:
    server.script = [answer(b"{}", "Set-Cookie: JSESSIONID=1; Path=/")]
    local.get("a")
    local.get("b")
    assert "cookie" not in server.requests[1].lower()


def test_a_refused_login_is_one_line_with_advice(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("GET", f"{BASE}/a", status=401, body="<html>login</html>")
    with pytest.raises(ConnectionFailed) as failure:
        client.get("a")
    assert str(failure.value) == (
        "https://jira.example:443 refused the login (401) — "
        "check user and token, and that the token has not expired"
    )


# ---- secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shown",
    [
        'pä"s s/1+2', "p%C3%A4%22s%20s%2F1%2B2", "p%C3%A4%22s+s%2F1%2B2", "p%C3%A4%22s%20s/1%2B2",
        'p\\u00e4\\"s s/1+2', 'pä\\"s s/1+2', "cMOkInMgcy8xKzI=", "cMOkInMgcy8xKzI",
    ],
)  # fmt: skip
def test_a_secret_is_blanked_in_every_form_that_an_error_may_show(shown: str) -> None:
    redactor = Redactor(['pä"s s/1+2'])
    assert redactor.clean(f"before {shown} after").replace("=", "") == "before *** after"


def test_short_words_are_not_blanked_out_of_every_text() -> None:
    assert Redactor(["no", ""]).clean("not known") == "not known"


@given(st.text(min_size=4), st.text(), st.text())
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret]).clean(before + secret + after).replace("***", "\0")


def test_no_secret_reaches_errors_logs_or_reprs(
    client: HttpClient, answers: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="itpm_sync")
    said = {"errorMessages": ["token tok-SECRET is not welcome"]}
    answers.add("GET", f"{BASE}/tok-SECRET/x", status=500, json=said)
    with pytest.raises(ConnectionFailed) as failure:
        client.get("tok-SECRET/x", {"token": "tok-SECRET"})
    login = BasicAuth("bot", "tok-SECRET")
    seen = [
        str(failure.value),
        caplog.text,
        repr(client),
        repr(login),
        repr(TokenAuth("tok-SECRET")),
    ]
    assert not any("SECRET" in text for text in seen)
    assert "attempt 2 again in" in caplog.text
    assert failure.value.__cause__ is None


@pytest.mark.parametrize(("pause", "level"), [("2", logging.INFO), ("90", logging.WARNING)])
def test_only_a_long_pause_is_told_to_who_did_not_ask(
    client: HttpClient,
    answers: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
    pause: str,
    level: int,
) -> None:
    caplog.set_level(logging.DEBUG, logger="itpm_sync")
    answers.add("GET", f"{BASE}/x", status=503, headers={"Retry-After": pause})
    answers.add("GET", f"{BASE}/x", json={})
    client.get("x")
    told = [r.levelno for r in caplog.records if "attempt 2 again in" in r.getMessage()]
    assert told == [level]


# ---- answers that are none ----------------------------------------------------------------------


def test_html_instead_of_json_ends_the_connection_with_advice(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("GET", f"{BASE}/a", body="\n<!DOCTYPE html><title>Log in</title>")
    with pytest.raises(ConnectionFailed, match=r"https://jira.example/a answered a web page .*URL"):
        client.get("a", {"jql": "secret things"})
    assert len(answers.calls) == 1


@pytest.mark.parametrize(
    "truncated",
    [
        answer(b'{"issues": [1, 2', length=40),
        answer(b'{"issues": [1, 2', "X: y"),
        answer(b"", "X: y"),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"issues"',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        answer(gzip.compress(b'{"issues": []}')[:-14], "Content-Encoding: gzip"),
        answer(b"no gzip", "Content-Encoding: gzip"),
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)  # fmt: skip
def test_a_truncated_or_broken_answer_is_fetched_again(
    server: Server, local: HttpClient, truncated: bytes
) -> None:
    server.script = [truncated, answer(b'{"issues": [1, 2, 3]}')]
    assert local.get("search") == {"issues": [1, 2, 3]}
    assert len(server.requests) == 2


def test_an_answer_without_content_is_none_and_no_error_after_a_write(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("PUT", f"{BASE}/a", status=204)
    assert client.json("PUT", "a", body={"x": 1}) is None


def test_a_gzip_bomb_is_not_unpacked(
    server: Server, local: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(itpm_sync.http, "MAX_BODY_BYTES", 2**20)
    server.script = [answer(gzip.compress(b" " * 2**26), "Content-Encoding: gzip")]
    with pytest.raises(ConnectionFailed, match="answered more than 1 MiB"):
        local.get("a")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "said", [{"errorMessages": 5}, {"errors": 7}, {"errors": [{"a": 1}]}, [1], "x", None, 5]
)
def test_an_odd_error_body_does_not_hide_the_error(
    client: HttpClient, answers: responses.RequestsMock, said: object
) -> None:
    answers.add("GET", f"{BASE}/a", status=400, json=said)
    with pytest.raises(RequestRejected, match=r"GET https://jira\.example/a: 400"):
        client.get("a")


def test_an_unreachable_host_is_one_clear_line(clock: Clock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        client = HttpClient(f"http://127.0.0.1:{port}", clock=clock, sleep=clock.sleep, attempts=2)
        with pytest.raises(ConnectionFailed) as failure:
            client.get("myself")
        client.close()
    assert str(failure.value) == (
        f"GET http://127.0.0.1:{port}/myself: Connection refused; gave up after 2 attempts — "
        "try again; if it lasts, look at the system or the network between"
    )


def test_a_server_that_does_not_answer_in_time_is_one_clear_line(
    server: Server, clock: Clock
) -> None:
    done = threading.Event()
    server.script = [lambda connection: (done.wait(5), None)[1]]
    client = HttpClient(server.url, clock=clock, sleep=clock.sleep, attempts=1, timeout_s=0.1)
    with pytest.raises(ConnectionFailed, match=r"/a: .*timed? ?out.*; gave up after 1 attempts"):
        client.get("a")
    done.set()
    client.close()


def test_a_certificate_that_is_not_trusted_is_named_with_advice_and_not_retried(
    tmp_path: Path, clock: Clock
) -> None:
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost "
        "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem".split(),
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    handshakes: list[str] = []

    def serve() -> None:
        for _ in range(2):
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as secured:
                    handshakes.append(_received(secured))
                    secured.sendall(answer(b'{"n": 1}'))
            except OSError:
                handshakes.append("")

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    stranger = HttpClient(url, sleep=clock.sleep)
    with pytest.raises(ConnectionFailed, match=r"certificate was not accepted: .* — set `verify`"):
        stranger.get("a")
    friend = HttpClient(url, verify=str(tmp_path / "cert.pem"), sleep=clock.sleep)
    assert friend.get("a") == {"n": 1}
    thread.join(5)
    for closable in (stranger, friend, listener):
        closable.close()
    assert handshakes[0] == ""
    assert clock.slept == []


def test_a_missing_ca_bundle_is_named_at_once() -> None:
    with pytest.raises(ConnectionFailed, match=r"no CA bundle at /nowhere/ca\.pem"):
        HttpClient(BASE, verify="/nowhere/ca.pem")


# ---- clock --------------------------------------------------------------------------------------


def test_the_sources_clock_is_compared_with_ours(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    answers.add("GET", f"{BASE}/a", json={}, headers={"Date": ahead})
    assert client.clock_skew_s is None
    client.get("a")
    assert client.clock_skew_s == pytest.approx(600, abs=5)


@pytest.mark.parametrize("stamp", ["yesterday", "Fri, 01 Mar 2024 12:00:30 +9999999999999999999"])
def test_an_unreadable_date_of_the_source_is_ignored(
    client: HttpClient, answers: responses.RequestsMock, stamp: str
) -> None:
    answers.add("GET", f"{BASE}/a", json={}, headers={"Date": stamp})
    assert client.get("a") == {}
    assert client.clock_skew_s is None


def test_a_volley_of_refusals_slows_down_once() -> None:
    now = [100.0]
    budget = RateBudget(clock=lambda: now[0], sleep=lambda _s: None)
    for _ in range(8):  # as many requests were on their way
        budget.refused(1.0)
        now[0] += 0.05
    assert budget.interval_s == 0.02
    now[0] += 2
    budget.refused(1.0)
    assert budget.interval_s == 0.04


# ---- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{"Retry-After": "120"}, {}])
def test_a_stopped_client_waits_for_nothing_and_sends_nothing(headers: dict[str, str]) -> None:
    stop = threading.Event()
    with responses.RequestsMock() as site:
        asked = site.get(BASE + "/x", status=429 if headers else 500, headers=headers)
        client = HttpClient(BASE, stop=stop)
        waiter = threading.Thread(target=lambda: ended.append(_outcome(client)))
        ended: list[type[BaseException]] = []
        waiter.start()
        while not asked.call_count:
            stop.wait(0.001)
        stop.set()
        waiter.join()
        assert ended == [Stopped]
        with pytest.raises(Stopped):
            client.get("x")
        assert asked.call_count == 1


def _outcome(client: HttpClient) -> type[BaseException]:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - whatever it is, it is compared
        client.get("x")
    return raised.type


def test_the_time_of_the_first_answer_is_kept_in_the_sources_clock(clock: Clock) -> None:
    first, second = "Mon, 02 Mar 2026 12:00:00 GMT", "Mon, 02 Mar 2026 13:00:00 GMT"
    with responses.RequestsMock() as site:
        client = HttpClient(BASE, sleep=clock.sleep)
        assert client.first_answer_at is None
        for stamp in ("once upon a time", first, second):
            site.get(BASE + "/x", json={}, headers={"Date": stamp})
            client.get("x")
        assert client.first_answer_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
