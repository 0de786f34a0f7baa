"""One HTTP client for every connector: retry, rate budget, same origin, redaction.

Decisions that matter:
- A request that may have acted is never blindly repeated: only GET, HEAD, PUT, DELETE and POSTs
  that the caller declares idempotent are retried after a lost answer or a 5xx. A 429 was not acted
  upon and is always retried.
- One `RateBudget` per client is shared by all its threads: a 429 makes everyone wait, and a slower
  pace is kept until the source is content again.
- Redirects and next-page links are followed only within the origin of the base URL, so that
  credentials never leave for another host.
"""

from __future__ import annotations

import base64
import codecs
import email.utils
import io
import json
import logging
import math
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urljoin

import orjson
import requests
import tenacity
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Url, parse_url

from itpm_sync.errors import (
    ConnectionFailed,
    NotFound,
    PreconditionFailed,
    RequestRejected,
    RetryableError,
    Stopped,
)

log = logging.getLogger(__name__)

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
MAX_BODY_BYTES = 512 * 1024 * 1024
_PART_BYTES = 2**18
_DROPS_TIMEOUTS = 10  # for so many time-outs a body may come as slowly as it likes
_DROPS_BYTES_PER_S = 1000  # and from then on no slower than this, on average since its beginning
MAX_PATIENCE_S = 900.0  # a source that asks for a longer pause gets its next chance at the next run
LONG_PAUSE_S = 60.0  # from here on somebody who waits should know for what
_MAX_REDIRECTS = 5
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")  # alone, as halves of an emoji make one character
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_ENCODINGS = ("iso8859", "cp", "utf-16", "utf-32", "koi8", "mac", "shift_jis", "euc", "gb", "big5")
_FEW_ODD_BYTES = 8  # in a page that is UTF-8 otherwise; more are another encoding
_SAME_TIME_S = 60.0  # a `Date` header has seconds and has travelled: less is no skew


class Redactor:
    """Replaces secrets, also in their base64, URL-quoted and JSON forms, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Adds a secret; texts under four characters would blank out ordinary words."""
        if len(secret) < 4:
            return
        raw = secret.encode(errors="surrogateescape")
        forms = {
            secret, quote(raw), quote(raw, safe=""), quote_plus(raw),
            json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        }  # fmt: skip
        self._forms = tuple(sorted({*self._forms, *forms}, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """`text` without any known secret."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text


class BasicAuth(AuthBase):
    """`Authorization: Basic`; its repr shows no secret.

    Raises ConnectionFailed for what no login can be (RFC 7617: no control characters).
    """

    def __init__(self, user: str, password: str) -> None:
        if _CONTROLS.search(user + password):
            raise ConnectionFailed(
                "user, password or token holds a line break or another control character",
                advice="store the bare word, on one line",
            )
        token = base64.b64encode(f"{user}:{password}".encode(errors="surrogateescape")).decode()
        self._header, self.secrets = f"Basic {token}", (password, token)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return "BasicAuth(***)"


class TokenAuth(AuthBase):
    """`<header>: <scheme> <token>`: Bearer by default.

    Raises ConnectionFailed for a token that no header can carry.
    """

    def __init__(
        self, token: str, *, scheme: str = "Bearer", header: str = "Authorization"
    ) -> None:
        if not (token.isascii() and token.isprintable()):
            raise ConnectionFailed(
                "the token holds a line break or a character that no HTTP header can carry",
                advice="store the bare token, on one line",
            )
        self._header, self._value = header, f"{scheme} {token.strip()}".strip()
        self.secrets = (token.strip(),)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._value
        return request

    def __repr__(self) -> str:
        return "TokenAuth(***)"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: status, headers (case-insensitive) and the decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """The parsed body. Raises ConnectionFailed for HTML, RetryableError for broken JSON and
        for text that is neither UTF-8 nor in the encoding that its source declares.
        """
        body = self.body.removeprefix(codecs.BOM_UTF8)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            if body.lstrip()[:1] == b"<":
                raise ConnectionFailed(
                    f"{_place(self.url)} answered a web page instead of JSON",
                    advice="check the URL and that no login page or proxy stands in between",
                ) from None
            with suppress(ValueError, RecursionError):
                return self._odd_json(_text(body, self.headers.get("Content-Type", "")))
            raise RetryableError(
                f"{_place(self.url)} answered broken or truncated JSON "
                f"({len(self.body)} bytes): {error}"
            ) from None

    def _odd_json(self, text: str) -> Any:
        try:
            return orjson.loads(text)  # all well, in another encoding
        except orjson.JSONDecodeError:
            found = _nearly_json(text)
        what = "its JSON holds what is no text or number: kept, shown as � or as a text"
        log.warning("%s: %s", _place(self.url), what)
        return found


def _text(body: bytes, content_type: str) -> str:
    """The text of a body; a few odd bytes of UTF-8 become lone surrogates. Raises ValueError.

    What has more odd bytes than characters beyond ASCII is not UTF-8: it is read in the encoding
    that its source declares, or not at all, as nothing would repair what was guessed.
    """
    text = body.decode("utf-8", "surrogateescape")
    odd = len(_SURROGATES.findall(text))
    whole = len(text) - len(text.encode("ascii", "ignore")) - odd
    declared = _charset(content_type)
    if odd >= max(whole, 1) and declared:
        return body.decode(declared).removeprefix("\ufeff")
    if odd > min(_FEW_ODD_BYTES, max(whole, 1)):
        raise ValueError("not in UTF-8")
    return text


def _charset(content_type: str) -> str:
    """The declared encoding if it is another one than UTF-8 and one of text; else empty."""
    found = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(found[1]).name if found else ""
    except LookupError:
        return ""
    return name if name.startswith(_ENCODINGS) else ""


def _nearly_json(text: str) -> Any:
    """What one odd value makes no JSON, read all the same for the sake of the rest of the page.

    Bytes that are no UTF-8 and half an emoji become �; NaN and numbers beyond all bounds a text,
    which the mapping reports. Raises ValueError for what is broken, cut off, or odd in a key:
    two odd keys could become one.
    """
    data = json.loads(
        text, strict=False, object_pairs_hook=_whole_keys,
        parse_constant=str, parse_int=_bounded, parse_float=_bounded,
    )  # fmt: skip
    return orjson.loads(_SURROGATES.sub("�", json.dumps(data, ensure_ascii=False)))


def _whole_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, _ in pairs:
        key.encode()  # UnicodeEncodeError, a ValueError, for half a character
    return dict(pairs)


def _bounded(digits: str) -> int | float | str:
    if math.isinf(number := float(digits)):
        return digits
    return int(digits) if digits.lstrip("-").isdecimal() else number


def until_stopped(stop: threading.Event) -> Callable[[float], None]:
    """A `sleep` that ends with Stopped as soon as `stop` is set."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    return sleep


class RateBudget:
    """What a source lets us do per time, shared by all threads of a client.

    After a 429 nobody sends before the pause is over, and the interval between request starts
    doubles (from 20 ms up to 5 s); each success shortens it by a tenth until it is gone.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._paused_until = 0.0
        self._interval = 0.0

    @property
    def interval_s(self) -> float:
        """The present interval between request starts; 0 while nothing was refused."""
        return self._interval

    def wait_turn(self) -> None:
        """Blocks until this thread may send.

        Raises ConnectionFailed when the source asked for a longer pause than we are patient for.
        """
        while True:
            with self._lock:
                now = self._clock()
                wait = self._next_start - now
                if wait <= 0:
                    self._next_start = now + self._interval
                    return
            if wait > MAX_PATIENCE_S:
                raise ConnectionFailed(
                    f"the source asks for a pause of {wait:.0f} s",
                    advice="the next run continues where this one stopped",
                )
            self._sleep(wait)

    def refused(self, pause_s: float) -> None:
        """The source asked for a pause: everyone waits and goes on slower."""
        with self._lock:
            now = self._clock()
            if now >= self._paused_until:  # else: sent before the pause, it says nothing new
                self._interval = min(max(self._interval * 2, 0.02), 5.0)
            self._paused_until = max(self._paused_until, now + pause_s)
            self._next_start = max(self._next_start, self._paused_until)

    def accepted(self) -> None:
        """One more success."""
        if self._interval:
            with self._lock:
                self._interval = self._interval * 0.9 if self._interval > 0.002 else 0.0


class HttpClient:
    """Requests to one outside system. Thread-safe; `close` when done.

    Once `stop` is set nothing more is sent, and whoever waits gets Stopped.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase | None = None,
        secrets: Iterable[str] = (),
        connections: int = 8,
        timeout_s: float = 60.0,
        attempts: int = 5,
        verify: bool | str = True,
        user_agent: str = "itpm-sync",
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.base_url = _checked_base(base_url)
        self.origin = _origin(self.base_url)
        if isinstance(verify, str):
            _check_bundle(Path(verify))
        self.attempts = attempts
        self._clock = clock
        self._stop = stop or threading.Event()
        self._sleep = sleep or until_stopped(self._stop)
        self.budget = RateBudget(clock=clock, sleep=self._sleep)
        self.redactor = Redactor((*secrets, *getattr(auth, "secrets", ())))
        self.clock_skew_s: float | None = None  # source's clock minus ours, from its Date header
        self.first_answer_at: datetime | None = None  # by the source's clock, its Date header
        self._timeout = (min(timeout_s, 10.0), timeout_s)
        self._auth = auth
        self._session = requests.Session()
        # Proxies and certificates that the environment names are the same for all of an origin;
        # `requests` would look for them at each request, for 1 ms, and for a login in ~/.netrc.
        found = self._session.merge_environment_settings(self.base_url, {}, None, verify, None)
        self._session.trust_env = False
        self._session.proxies = dict(found["proxies"])
        self._verify = found["verify"]
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, pool_block=True)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __repr__(self) -> str:
        return f"HttpClient({self.origin})"

    def in_its_time(self, moment: datetime) -> datetime:
        """A moment of our clock, not later than the source's clock showed it: what changed since
        then bears no earlier stamp, also at a source whose clock is slow.
        """
        skew = self.clock_skew_s or 0.0
        return moment + timedelta(seconds=skew) if skew < -_SAME_TIME_S else moment

    def close(self) -> None:
        """Closes all pooled connections."""
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET, parsed. `path` is relative to the base URL or a next-page link."""
        return self.json("GET", path, params=params)

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The parsed answer of `request`; broken JSON is retried like a lost answer."""
        return self.request(method, path, parse=True, **options)[1]

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        allow: tuple[int, ...] = (),
        parse: bool = False,
    ) -> tuple[Answer, Any]:
        """Sends with retries; returns the answer and, with `parse`, its JSON.

        `idempotent` overrides what the method says about repeating. Statuses in `allow` are
        returned instead of raised. Raises ConnectionFailed (also when attempts are used up),
        RequestRejected, NotFound, PreconditionFailed, and RetryableError when the outcome of a
        request that must not be repeated is unknown.
        """
        url = self.resolve(path)
        repeat = method in SAFE_TO_REPEAT if idempotent is None else idempotent

        def once() -> tuple[Answer, Any]:
            answer = self._send(method, url, params, body, headers, repeat=repeat)
            self._judge(answer, method, allow)
            expected = answer.body or (method == "GET" and answer.status == 200)
            return answer, (answer.json() if parse and expected else None)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: _repeatable(e, repeat=repeat)),
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=_wait,
            sleep=self._sleep,
            before_sleep=self._log_retry,
            reraise=True,
        )
        try:
            return retrying(once)
        except RetryableError as error:
            if not repeat and not isinstance(error, _Refused):
                raise
            raise ConnectionFailed(
                f"{error}; gave up after {self.attempts} attempts",
                advice="try again; if it lasts, look at the system or the network between",
            ) from None

    def resolve(self, path: str) -> str:
        """An absolute URL within our origin. Raises ConnectionFailed for any other host."""
        try:
            url = urljoin(self.base_url, path.lstrip("/") if not _absolute(path) else path)
        except ValueError:
            url = ""
        if _origin(url) != self.origin or _parsed(url).auth:
            raise ConnectionFailed(
                f"{self.origin} pointed to another host ({_origin(url)}); not followed",
                advice="if the system has moved, correct `url`; else tell its administrator",
            )
        return url

    # ---- one attempt ----------------------------------------------------------------------------

    def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        body: Any,
        headers: Mapping[str, str] | None,
        *,
        repeat: bool,
    ) -> Answer:
        data = None if body is None else orjson.dumps(body)
        sent = dict(headers or {})
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        for _ in range(_MAX_REDIRECTS):
            self.budget.wait_turn()
            if self._stop.is_set():
                raise Stopped
            answer = self._attempt(method, url, params, data, sent)
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            if not repeat or (method != "GET" and answer.status not in (307, 308)):
                raise ConnectionFailed(
                    f"{method} {self._shown(url)} was redirected to {self._shown(target)}",
                    advice="set `url` to the address that the system answers at itself",
                )
            url, params = self.resolve(_joined(url, target)), None
        raise ConnectionFailed(f"{self._shown(url)} redirects in a circle", advice="check `url`")

    def _attempt(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        data: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            with self._session.request(
                method, url, params=params, data=data, headers=headers, auth=self._auth,
                timeout=self._timeout, verify=self._verify, allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                content = self._content(response.raw)
                self._note_clock(response.headers.get("Date"))
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            if isinstance(_innermost(error), ssl.SSLCertVerificationError):
                raise ConnectionFailed(
                    f"{self.origin}: the TLS certificate was not accepted: {self._reason(error)}",
                    advice="set `verify` to the CA bundle of your organisation",
                ) from None
            by = "the proxy of the environment: " if _of_proxy(error) else ""
            what = f"{method} {self._shown(url)}: {by}{self._reason(error)}"
            raise RetryableError(what) from None
        if len(content) > MAX_BODY_BYTES:
            raise ConnectionFailed(
                f"{self._shown(url)} answered more than {MAX_BODY_BYTES // 2**20} MiB",
                advice="ask for smaller pages",
            )
        return Answer(response.status_code, response.headers, content, url)

    def _content(self, raw: Any) -> bytes:
        """The unpacked body, or a little more than we take. Raises TimeoutError where it comes in
        drops: the time-out of a socket begins anew with each.

        Ten time-outs are for a source that sends blanks while it computes. What was read counts
        only when still more comes, so that nobody throws a complete answer away.
        """
        body = io.BytesIO()  # a list of parts would leave holes in the heap: 30 MB of eight threads
        size, began, late_s = 0, self._clock(), 0.0
        while size <= MAX_BODY_BYTES and (part := raw.read1(_PART_BYTES, decode_content=True)):
            if late_s:
                raise TimeoutError(f"only {size:,} bytes came in {late_s:.0f} s, and no end")
            size += body.write(part)
            took_s = self._clock() - began
            if took_s > _DROPS_TIMEOUTS * self._timeout[1] and size < took_s * _DROPS_BYTES_PER_S:
                late_s = took_s
        return body.getvalue()

    def _judge(self, answer: Answer, method: str, allow: tuple[int, ...]) -> None:
        status = answer.status
        if status < 300 or status in allow:
            self.budget.accepted()
            return
        what = f"{method} {self._shown(answer.url)}: {status}"
        reason = self.redactor.clean(_vendor_reason(answer.body))
        what = f"{what} ({reason})" if reason else what
        pause = retry_after_s(answer.headers)
        if status == 429 or (status == 503 and pause is not None):
            pause = 1.0 if pause is None else pause
            self.budget.refused(pause)
            if pause > MAX_PATIENCE_S:
                raise ConnectionFailed(
                    f"{what}: the source asks for a pause of {pause:.0f} s",
                    advice="the next run continues where this one stopped",
                )
            if status == 429:
                raise _Refused(what, retry_after_s=pause)
            raise RetryableError(what, retry_after_s=pause)
        if status == 401:
            raise ConnectionFailed(
                f"{self.origin} refused the login (401)",
                advice="check user and token, and that the token has not expired",
            )
        if status in (404, 410):
            raise NotFound(what)
        if status in (409, 412):
            raise PreconditionFailed(what)
        if status >= 500 or status == 408:
            raise RetryableError(what)
        advice = "the account lacks a permission" if status == 403 else ""
        raise RequestRejected(what, status=status, advice=advice)

    def _note_clock(self, stamp: str | None) -> None:
        if stamp:
            try:
                there = email.utils.parsedate_to_datetime(stamp)
            except (ValueError, OverflowError):
                return
            if there.tzinfo is not None:
                self.clock_skew_s = (there - datetime.now(UTC)).total_seconds()
                self.first_answer_at = self.first_answer_at or there.astimezone(UTC)

    def _reason(self, error: BaseException) -> str:
        """The innermost reason, for a person: `connection refused`, `timed out`."""
        seen = _innermost(error)
        text = getattr(seen, "strerror", None) or str(seen) or type(seen).__name__
        return " ".join(self.redactor.clean(text).split())[:200]

    def _shown(self, url: str) -> str:
        return self.redactor.clean(_place(url))

    def _log_retry(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait = state.next_action.sleep if state.next_action else 0.0
        # Cron mails what is written: an attempt that is soon made again is nobody's business yet.
        level = logging.INFO if wait < LONG_PAUSE_S else logging.WARNING
        log.log(level, "%s; attempt %d again in %.1f s", error, state.attempt_number + 1, wait)


class _Refused(RetryableError):
    """The source did not act: safe to repeat whatever the method."""


def _repeatable(error: BaseException, *, repeat: bool) -> bool:
    return isinstance(error, _Refused) or (repeat and isinstance(error, RetryableError))


def _wait(state: tenacity.RetryCallState) -> float:
    """The source's own wish, else 0.5 s doubling to 30 s, with up to a quarter of jitter."""
    error = state.outcome.exception() if state.outcome else None
    wish = error.retry_after_s if isinstance(error, RetryableError) else None
    base = wish if wish is not None else min(0.5 * 2 ** (state.attempt_number - 1), 30.0)
    return float(base * (1 + random.random() / 4))  # noqa: S311 — jitter, not a secret


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The pause a source asks for, in seconds: `Retry-After` as seconds or HTTP date (RFC 9110
    §10.2.3), else `X-RateLimit-Reset` as ISO stamp or epoch seconds. None where it says nothing.
    """
    now = now or datetime.now(UTC)
    for name in ("Retry-After", "X-RateLimit-Reset"):
        value = headers.get(name, "").strip()
        if value:
            return _pause_s(value, now)
    return None


def _pause_s(value: str, now: datetime) -> float | None:
    """Seconds from a number (a pause, or an epoch stamp), an ISO stamp or an HTTP date."""
    if re.fullmatch(r"\d{1,15}(\.\d*)?", value, re.ASCII):
        seconds = float(value)
        return max(0.0, seconds - now.timestamp() if seconds > 1e9 else seconds)
    for parse in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            at = parse(value)
        except (ValueError, OverflowError):
            continue
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
    return None


def _check_bundle(path: Path) -> None:
    """Raises ConnectionFailed for a CA bundle that is not there or holds no certificate."""
    if not path.exists():
        raise ConnectionFailed(f"no CA bundle at {path}", advice="correct `verify`")
    try:
        if path.is_file():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # of which SSLError is one
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConnectionFailed(
            f"the CA bundle {path} cannot be read: {reason}",
            advice="give `verify` a file of certificates in PEM form",
        ) from None


def _of_proxy(error: BaseException) -> bool:
    return isinstance(error, requests.exceptions.ProxyError)


def _innermost(error: BaseException) -> BaseException:
    seen = error
    while isinstance(inner := _inner(seen), BaseException):
        seen = inner
    return seen


def _inner(error: BaseException) -> object:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    nested = next((a for a in error.args if isinstance(a, BaseException)), None)
    return nested or error.__cause__


def _absolute(path: str) -> bool:
    return "://" in path.split("?", 1)[0] or path.startswith("//")


def _checked_base(url: str) -> str:
    """The base URL with a final slash. Raises ConnectionFailed, without what may be a password."""
    parsed = _parsed(url)
    if parsed.auth:
        raise ConnectionFailed(
            "`url` holds a user or password", advice="give them as settings of their own"
        )
    if parsed.scheme not in ("http", "https") or not parsed.host:
        shown = re.sub("//.*@", "//***@", url)
        raise ConnectionFailed(f"{shown!r} is not an http(s) URL", advice="correct `url`")
    return url.rstrip("/") + "/"


def _parsed(url: str) -> Url:
    """The URL as the library reads it that will send the request; any other reading could be
    tricked into another host (`http://evil\\@good/`). Not a URL: one without host."""
    try:
        return parse_url(url)
    except ValueError:
        return Url()


def _origin(url: str) -> str:
    parsed = _parsed(url)
    if not parsed.host:
        return "an unreadable address"
    port = parsed.port or {"http": 80, "https": 443}.get(parsed.scheme or "", 0)
    return f"{parsed.scheme or ''}://{parsed.host}:{port}"


def _joined(base: str, target: str) -> str:
    try:
        return urljoin(base, target)
    except ValueError:
        return target


def _place(url: str) -> str:
    """A URL without query and user, which may hold secrets or people's data."""
    parsed = _parsed(url)
    return Url(parsed.scheme, None, parsed.host, parsed.port, parsed.path).url


def _vendor_reason(body: bytes) -> str:
    """The source's own words for an error, at most 300 characters, on one line."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(data, dict):
        return " ".join(str(data).split())[:300]
    messages = data.get("errorMessages")
    words = [str(m) for m in messages] if isinstance(messages, list) else []
    errors = data.get("errors")
    if isinstance(errors, dict):
        words += [f"{k}: {v}" for k, v in errors.items()]
    elif isinstance(errors, list):
        words += [str(e) for e in errors]
    words += [str(data[k]) for k in ("message", "error", "errorMessage") if data.get(k)]
    return " ".join("; ".join(words).split())[:300]
