"""Logins, faults and limits of the sandbox: what it refuses, breaks and delays."""

from __future__ import annotations

import time
from datetime import datetime
from email.utils import parsedate_to_datetime

import orjson
import pytest
import requests

from itpm_sync.connector import Faults
from tests.connectors.jira.sandbox.caller import Caller


def test_wrong_credentials_are_turned_away(cloud: Caller) -> None:
    for given in (None, (cloud.sandbox.email, "wrong"), ("other@example.com", "sandbox-token")):
        answer = requests.get(f"{cloud.api}/myself", auth=given, timeout=5)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"]


def test_data_center_takes_a_bearer_token_or_a_password(datacenter: Caller) -> None:
    place, sandbox = f"{datacenter.api}/myself", datacenter.sandbox
    wrong = {"Authorization": "Bearer wrong"}
    assert requests.get(place, headers=wrong, timeout=5).status_code == 401
    login = ("itpm-sync", sandbox.password)
    assert requests.get(place, auth=login, timeout=5).status_code == 200


@pytest.mark.parametrize("failure", ["500", "503", "401", "403", "429"])
def test_ordered_failures_are_used_up_one_a_request(cloud: Caller, failure: str) -> None:
    cloud.sandbox.set_faults(Faults(fail_next=(failure,)))
    answer = cloud.raw("/myself")
    assert answer.status_code == int(failure)
    assert answer.json()["errorMessages"]
    assert ("Retry-After" in answer.headers) is (failure in ("503", "429"))
    assert cloud.raw("/myself").status_code == 200


def test_a_rate_limit_may_ask_for_a_date(cloud: Caller) -> None:
    cloud.sandbox.set_faults(Faults(fail_next=("429-date",)))
    answer = cloud.raw("/myself")
    wish = parsedate_to_datetime(answer.headers["Retry-After"])
    now = parsedate_to_datetime(answer.headers["Date"])
    assert 0 < (wish - now).total_seconds() <= 3
    assert answer.headers["RateLimit-Reason"] == "jira-burst-based"
    datetime.fromisoformat(answer.headers["X-RateLimit-Reset"])


def test_beyond_the_rate_requests_are_refused(datacenter: Caller) -> None:
    datacenter.sandbox.set_faults(Faults(rate_limit_per_s=3))
    codes = [datacenter.raw("/myself").status_code for _ in range(5)]
    assert codes[:3] == [200, 200, 200]
    assert 429 in codes[3:]


def test_html_truncation_and_reset(cloud: Caller) -> None:
    cloud.sandbox.set_faults(Faults(fail_next=("html", "truncate", "reset")))
    assert cloud.raw("/myself").headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.RequestException):
        cloud.raw("/myself")
    with pytest.raises(requests.ConnectionError):
        cloud.raw("/myself")
    assert cloud.raw("/myself").status_code == 200


def test_a_timeout_comes_before_or_after_the_deed(cloud: Caller) -> None:
    key = cloud.sandbox.create_issue("NET", "one")
    words = {"type": "paragraph", "content": [{"type": "text", "text": "hello"}]}
    body = {"body": {"type": "doc", "version": 1, "content": [words]}}
    place = f"{cloud.api}/issue/{key}/comment"
    for failure, expected in (("timeout-before", 0), ("timeout-after", 1)):
        cloud.sandbox.set_faults(Faults(fail_next=(failure,)))
        with pytest.raises(requests.Timeout):
            cloud.session.post(place, json=body, timeout=0.2)
        assert len(cloud.sandbox.issue(key)["fields"]["comment"]["comments"]) == expected


def test_latency_is_added(cloud: Caller) -> None:
    cloud.sandbox.set_faults(Faults(latency_s=0.05))
    began = time.monotonic()
    cloud("/myself")
    assert time.monotonic() - began >= 0.05


def test_requests_are_logged_with_their_bodies(cloud: Caller) -> None:
    cloud("/search/approximate-count", {"jql": "project = NET"})
    (entry,) = cloud.sandbox.requests
    assert (entry.method, entry.path) == ("POST", "/rest/api/3/search/approximate-count")
    assert orjson.loads(entry.request_body) == {"jql": "project = NET"}
    assert (entry.status, entry.response_body) == (200, b"")
    cloud.sandbox.recording = True
    cloud("/myself?expand=groups&other=1")
    assert cloud.sandbox.requests[-1].json()["displayName"] == "ITPM Sync"
    assert cloud.sandbox.unknown_parameters == ["GET /rest/api/3/myself?other"]


def test_a_body_of_the_wrong_shape_is_a_400_not_a_dead_server(cloud: Caller) -> None:
    deep = {"jql": "(" * 5000 + "project = NET"}
    for body in (
        deep,
        [],
        {"jql": ["x"], "maxResults": "many"},
        {"jql": "project = NET", "fields": 5},
    ):
        assert cloud.raw("/search/jql", body).status_code == 400
    answer = cloud.session.post(f"{cloud.api}/search/jql", data=b"{", timeout=5)
    assert answer.status_code == 400


def test_the_configuration_reaches_the_sandbox(cloud: Caller) -> None:
    found = cloud.sandbox.configuration()
    assert found["url"] == cloud.sandbox.url
    assert (found["connector"], found["flavor"]) == ("jira", "cloud")
    assert found["auth"] == {"email": cloud.sandbox.email, "token": "${env:JIRA_TOKEN}"}
    assert cloud.sandbox.environment() == {"JIRA_TOKEN": cloud.sandbox.token}
