"""Answers that are none, and hosts that give none: one clear line, and no bomb is unpacked."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import orjson
import pytest
import responses

import itpm_sync.http.adapter
import itpm_sync.http.client
from itpm_sync.errors import ConnectionFailed, RequestRejected
from itpm_sync.http import HttpClient
from tests.http.scripted import BASE, Clock, Server, answer, received


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


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b'"cut \\ud83d here"', "cut � here"),
        (b'"\xdcber"', "�ber"),
        (b'"a\x01b\n"', "a\x01b\n"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b"9" * 400, "9" * 400),
        (b"1e999", "1e999"),
    ],
)
def test_one_value_that_is_no_json_does_not_lose_the_others_of_its_page(
    client: HttpClient, answers: responses.RequestsMock, value: bytes, read: str
) -> None:
    body = b'{"issues": [{"id": 1, "title": "\\ud83d\\ude00", "n": -1.50}, {"odd": %s}]}' % value
    answers.add("GET", f"{BASE}/search", body=body)
    assert client.get("search") == {
        "issues": [{"id": 1, "title": "\U0001f600", "n": -1.5}, {"odd": read}]
    }


@pytest.mark.parametrize("depth", [1_100, 200_000])
def test_what_is_nested_too_deep_does_not_lose_the_others_of_its_page(
    client: HttpClient, answers: responses.RequestsMock, depth: int
) -> None:
    nest = b'[{"]": "\\"[", "a": ' * (depth // 2) + b"1" + b"}, 2]" * (depth // 2)
    body = b'{"issues": [{"id": 1}, {"id": 2, "deep": %s, "n": 3}, {"id": 4}]}' % nest
    answers.add("GET", f"{BASE}/search", body=body)
    first, odd, last = client.get("search")["issues"]
    assert (first, odd["id"], odd["n"], last) == ({"id": 1}, 2, 3, {"id": 4})
    with pytest.raises(TypeError):  # so that a connector rejects this record, and says so
        orjson.dumps(odd)


def test_a_deep_page_that_is_cut_off_is_broken(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("GET", f"{BASE}/search", body=b'{"issues": ' + b"[" * 2_000)
    with pytest.raises(ConnectionFailed, match="broken or truncated JSON"):
        client.get("search")


@pytest.mark.parametrize("ending", [b"", b"\\"])
def test_a_deep_page_that_is_cut_off_within_a_text_is_judged_in_one_pass(
    client: HttpClient, answers: responses.RequestsMock, ending: bytes
) -> None:
    """Were each of the 500,000 quotes looked after to the end, this would take hours."""
    answers.add("GET", f"{BASE}/search", body=b"[" * 1_100 + b'"' + b'\\"' * 500_000 + ending)
    with pytest.raises(ConnectionFailed, match="broken or truncated JSON"):
        client.get("search")


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("ISO-8859-1", '[{"n": "Müller & Söhne"}]'.encode("latin-1")),
        ("iso-8859-1", '[{"n": "Müller & Söhne"}]'.encode()),  # declared wrongly, plainly UTF-8
        ('"windows-1252"', '[{"n": "Müller & Söhne"}]'.encode("cp1252")),
        ("utf-16", '[{"n": "Müller & Söhne"}]'.encode("utf-16")),
    ],
)
def test_a_page_in_the_encoding_that_it_declares_is_read_whole(
    client: HttpClient,
    answers: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
    charset: str,
    body: bytes,
) -> None:
    kind = f"application/json; charset={charset}"
    answers.add("GET", f"{BASE}/a", body=body, content_type=kind)
    assert client.get("a") == [{"n": "Müller & Söhne"}]
    assert not caplog.records


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=idna", "; charset=nope"])
@pytest.mark.parametrize(
    "body",
    [
        '["Müller & Söhne"]'.encode("latin-1"),
        "[{}]".format('"é€", ' * 20).encode() + b'"' + b"\xff" * 9 + b'"',
        b'{"k\xff": 1, "k": 2}',
        b'{"k\\ud83d": 1, "k\\ud83e": 2}',
    ],
)
def test_a_page_in_an_unknown_encoding_or_with_odd_keys_is_not_guessed(
    local: HttpClient, server: Server, body: bytes, charset: str
) -> None:
    server.script = [answer(body, f"Content-Type: application/json{charset}")] * 3
    with pytest.raises(ConnectionFailed, match="broken or truncated JSON"):
        local.get("a")
    assert len(server.requests) == 3


def test_a_few_odd_bytes_among_proper_utf_8_lose_nothing_else(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add(
        "GET", f"{BASE}/a", body=b'["' + "Müller & Söhne".encode() + b'", "a\xff", "\xdcb"]'
    )
    assert client.get("a") == ["Müller & Söhne", "a�", "�b"]


def test_a_byte_order_mark_before_json_does_no_harm(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("GET", f"{BASE}/search", body=b'\xef\xbb\xbf{"issues": []}')
    assert client.get("search") == {"issues": []}


def test_an_answer_without_content_is_none_and_no_error_after_a_write(
    client: HttpClient, answers: responses.RequestsMock
) -> None:
    answers.add("PUT", f"{BASE}/a", status=204)
    assert client.json("PUT", "a", body={"x": 1}) is None


def test_a_gzip_bomb_is_not_unpacked(
    server: Server, local: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(itpm_sync.http.client, "MAX_BODY_BYTES", 2**20)
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


def drops(text: bytes, connection: socket.socket) -> None:
    """Sends a text byte by byte, each well within the time-out, until nobody listens."""
    with suppress(OSError):
        for n in range(len(text)):
            connection.sendall(text[n : n + 1])
            time.sleep(0.02)


def test_headers_that_come_in_drops_for_more_than_ten_time_outs_end(
    server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert itpm_sync.http.adapter.TIMEOUTS == 10
    monkeypatch.setattr(itpm_sync.http.adapter, "TIMEOUTS", 0.02)
    server.script = [partial(drops, answer(b"{}", f"X-Drop: {'x' * 500}"))]
    client = HttpClient(server.url, clock=clock, sleep=clock.sleep, attempts=1, timeout_s=20)
    with pytest.raises(ConnectionFailed, match=r"/a: its headers come in drops.*timed out"):
        client.get("a")
    client.close()


def test_headers_and_a_body_in_a_few_parts_are_an_answer(server: Server, local: HttpClient) -> None:
    body = b'{"issues": "' + b"x" * 300_000 + b'"}'

    def parts(connection: socket.socket) -> None:
        whole = answer(body)
        for begin, end in ((0, 10), (10, 60), (60, 70_000), (70_000, len(whole))):
            connection.sendall(whole[begin:end])
            time.sleep(0.01)

    server.script = [parts]
    assert local.get("a") == orjson.loads(body)


class Slow:
    """A body whose parts come after so many seconds of a clock that only they move."""

    def __init__(self, clock: Clock, *parts: tuple[float, bytes]) -> None:
        self._clock, self.left = clock, list(parts)

    def read1(self, _most: int, *, decode_content: bool) -> bytes:
        assert decode_content
        seconds, part = self.left.pop(0) if self.left else (0.0, b"")
        self._clock.now += seconds
        return part


@pytest.fixture
def patient(clock: Clock) -> Iterator[HttpClient]:
    made = HttpClient(BASE, timeout_s=5, clock=clock, sleep=clock.sleep)
    yield made
    made.close()


def test_a_body_that_comes_in_drops_for_more_than_ten_time_outs_ends(
    patient: HttpClient, clock: Clock
) -> None:
    body = Slow(clock, *[(4.0, b" ")] * 100)
    with pytest.raises(TimeoutError, match=r"only 13 bytes came in 52 s, and no end"):
        patient._content(body)
    assert len(body.left) == 100 - 14


def test_a_slow_body_that_is_complete_is_kept_however_late_its_last_part_came(
    patient: HttpClient, clock: Clock
) -> None:
    assert patient._content(Slow(clock, (0.0, b"[1,"), (4000.0, b"2]"))) == b"[1,2]"


def test_a_source_that_sends_blanks_while_it_computes_has_ten_time_outs_for_it(
    patient: HttpClient, clock: Clock
) -> None:
    body = Slow(clock, *[(4.0, b" ")] * 12, (1.0, b"[1,"), (1.0, b"2]"))
    assert patient._content(body) == b" " * 12 + b"[1,2]"


def test_a_slow_body_that_goes_on_is_read_to_its_end(patient: HttpClient, clock: Clock) -> None:
    body = Slow(clock, *[(4.0, b"x" * 4001)] * 100)
    assert len(patient._content(body)) == 400_100


def test_a_certificate_that_is_not_trusted_is_named_with_advice_and_not_retried(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
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
        for _ in range(3):
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as secured:
                    handshakes.append(received(secured))
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
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    told = HttpClient(url, sleep=clock.sleep)
    assert told.get("a") == {"n": 1}
    thread.join(5)
    for closable in (stranger, friend, told, listener):
        closable.close()
    assert handshakes[0] == ""
    assert clock.slept == []


def test_a_missing_ca_bundle_is_named_at_once() -> None:
    with pytest.raises(ConnectionFailed, match=r"no CA bundle ca\.pem is there — correct `verify`"):
        HttpClient(BASE, verify="/nowhere/ca.pem")


def test_a_ca_bundle_that_is_none_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConnectionFailed, match=r"ca\.pem cannot be read: it holds no certificate"):
        HttpClient("https://jira.example", verify=str(tmp_path / "ca.pem"))


def test_a_proxy_that_does_not_answer_is_told_as_such_without_its_password(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://joe:secret-word@127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        client = HttpClient("https://jira.example", clock=clock, sleep=clock.sleep, attempts=1)
        with pytest.raises(ConnectionFailed, match="the proxy of the environment: ") as failure:
            client.get("a")
        client.close()
    assert "secret-word" not in str(failure.value)
