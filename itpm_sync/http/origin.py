"""URLs as the sending library reads them: whose they are, and how they are shown."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from urllib3.util import Url, parse_url

from itpm_sync.errors import ConnectionFailed


def is_absolute(path: str) -> bool:
    return "://" in path.split("?", 1)[0] or path.startswith("//")


def checked_base(url: str) -> str:
    """The base URL with a final slash. Raises ConnectionFailed, without what may be a password."""
    parsed = parsed_url(url)
    if parsed.auth:
        raise ConnectionFailed(
            "`url` holds a user or password", advice="give them as settings of their own"
        )
    if parsed.scheme not in ("http", "https") or not parsed.host:
        shown = re.sub("//.*@", "//***@", url)
        raise ConnectionFailed(f"{shown!r} is not an http(s) URL", advice="correct `url`")
    return url.rstrip("/") + "/"


def parsed_url(url: str) -> Url:
    """The URL as the library reads it that will send the request; any other reading could be
    tricked into another host (`http://evil\\@good/`). Not a URL: one without host."""
    try:
        return parse_url(url)
    except ValueError:
        return Url()


def origin_of(url: str) -> str:
    parsed = parsed_url(url)
    if not parsed.host:
        return "an unreadable address"
    port = parsed.port or {"http": 80, "https": 443}.get(parsed.scheme or "", 0)
    return f"{parsed.scheme or ''}://{parsed.host}:{port}"


def joined(base: str, target: str) -> str:
    try:
        return urljoin(base, target)
    except ValueError:
        return target


def place(url: str) -> str:
    """A URL without query and user, which may hold secrets or people's data."""
    parsed = parsed_url(url)
    return Url(parsed.scheme, None, parsed.host, parsed.port, parsed.path).url
