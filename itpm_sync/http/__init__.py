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

from itpm_sync.http.answer import Answer, retry_after_s
from itpm_sync.http.budget import RateBudget, until_stopped
from itpm_sync.http.client import HttpClient
from itpm_sync.http.credentials import BasicAuth, Redactor, TokenAuth

__all__ = [
    "Answer",
    "BasicAuth",
    "HttpClient",
    "RateBudget",
    "Redactor",
    "TokenAuth",
    "retry_after_s",
    "until_stopped",
]
