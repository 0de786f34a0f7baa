"""An answer and what it says: its JSON, the source's reason, the pause it asks for."""

from __future__ import annotations

import codecs
import email.utils
import json
import logging
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from itpm_sync.errors import ConnectionFailed, RetryableError
from itpm_sync.http.origin import place

log = logging.getLogger(__name__)

_SURROGATES = re.compile("[\ud800-\udfff]")  # alone, as halves of an emoji make one character
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_ENCODINGS = ("iso8859", "cp", "utf-16", "utf-32", "koi8", "mac", "shift_jis", "euc", "gb", "big5")
_FEW_ODD_BYTES = 8  # in a page that is UTF-8 otherwise; more are another encoding
_DEEPEST = 300  # levels that are kept; orjson reads 1,024 and writes 254, so their record is told
_TOO_DEEP = f'"left out: below level {_DEEPEST:,} of its page"'
# a string that is cut off goes to the end: were it none, each quote in it would be tried again
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


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
                    f"{place(self.url)} answered a web page instead of JSON",
                    advice="check the URL and that no login page or proxy stands in between",
                ) from None
            with suppress(ValueError, RecursionError):
                return self._odd_json(_text(body, self.headers.get("Content-Type", "")), error)
            raise RetryableError(
                f"{place(self.url)} answered broken or truncated JSON "
                f"({len(self.body)} bytes): {error}"
            ) from None

    def _odd_json(self, text: str, error: orjson.JSONDecodeError) -> Any:
        if "depth limit" in str(error):
            text = _flattened(text)
            log.warning("%s: its JSON nests too deep: that part is left out", place(self.url))
        try:
            return orjson.loads(text)  # all well, in another encoding
        except orjson.JSONDecodeError:
            found = _nearly_json(text)
        what = "its JSON holds what is no text or number: kept, shown as � or as a text"
        log.warning("%s: %s", place(self.url), what)
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


def _flattened(text: str) -> str:
    """JSON with a text in place of each object and list that is nested too deep to be read, for the
    sake of the rest of the page. What is cut off stays as it is.
    """
    kept: list[str] = []
    depth = begin = end = 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                begin = token.start()
        elif token[0] in "]}":
            depth -= 1
            if depth == _DEEPEST:
                kept += text[end:begin], _TOO_DEEP
                end = token.end()
    return text if depth else "".join((*kept, text[end:]))


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


def vendor_reason(body: bytes) -> str:
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
