"""How codes, numbers and the words of rules are compared: whatever their case, with wildcards."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache


def fold(text: str) -> str:
    """The form in which codes and numbers are compared."""
    return text.strip().casefold()


@lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """A folded text whose `*` and `?` are wildcards."""
    # fnmatch's [..] sets are no wildcard of ours: a bracket in a rule means itself.
    return re.compile(translate(text.replace("[", "[[]")))
