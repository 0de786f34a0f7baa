"""Logins go where they belong, and a secret into no error, log or repr."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from itpm_sync.errors import ConnectionFailed
from itpm_sync.http import BasicAuth, HttpClient, Redactor, TokenAuth
from tests.http.scripted import BASE, Server, answer


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


@pytest.mark.parametrize("login", [("bot", "secret-word\n"), ("bot\r\nX: y", "secret-word")])
def test_a_login_with_a_line_break_is_refused_without_showing_it(login: tuple[str, str]) -> None:
    with pytest.raises(ConnectionFailed, match=r"line break .* on one line") as failure:
        BasicAuth(*login)
    assert "secret-word" not in str(failure.value)


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
