"""No link, redirect or base URL leads away from the origin."""

from __future__ import annotations

import pytest
import responses

from itpm_sync.errors import ConnectionFailed
from itpm_sync.http import HttpClient
from tests.http.scripted import BASE, Clock, Server, answer


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


def test_requests_take_the_environments_way_to_the_origin(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "near.example,127.0.0.1")
    far, near = (HttpClient(url) for url in ("http://far.example/base", server.url))
    far.get("a")
    near.get("b")
    far.close()
    near.close()
    lines = [request.splitlines()[0] for request in server.requests]
    assert lines == ["GET http://far.example/base/a HTTP/1.1", "GET /b HTTP/1.1"]
