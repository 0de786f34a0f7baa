"""What the validation library finds, in our words: what was expected, what stands there, what to
do. A table by kind of mistake; a test fails on one that is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from itpm_sync.config.settings import CURRENCY, IDENTITY, NAME, URL
from itpm_sync.errors import suggestion

_LIST, _BLOCK, _TEXT = "a list", "a mapping of keys", "a text"
_WHOLE, _NUMBER, _TRUTH = "a whole number", "a number", "true or false"
_DAY = "a date as YYYY-MM-DD"
EXPECTED: Mapping[str, str] = {
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(
        ("model_type", "model_attributes_type", "dict_type", "mapping_type", "dataclass_type"),
        _BLOCK,
    ),
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), _TEXT),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _TRUTH),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        _DAY,
    ),
    **dict.fromkeys(("literal_error", "enum"), "{expected}"),
    "path_type": "the path of a file or folder",
    "finite_number": "a number that is finite",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "multiple_of": "a multiple of {multiple_of}",
    "decimal_max_digits": "at most {max_digits} digits",
    "decimal_max_places": "at most {decimal_places} digits after the point",
    "decimal_whole_digits": "at most {whole_digits} digits before the point",
    "string_too_short": "a text that says something",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "none_required": "nothing",
}
"""By the library's kind of mistake: what was expected."""

_FORMS = {
    NAME: "a name of letters, digits, - and _ that begins with a letter",
    CURRENCY: "a currency code such as EUR",
    URL: "an address that begins with http:// or https://",
    IDENTITY: "a record's identity, CONNECTION:STREAM:ID, as findings show it",
}
_ADDRESS = "an address such as https://jira.example.org, without blanks, ? and #"
_COUNTED = ("too_short", "too_long", "string_too_long")
_QUOTABLE = (_TEXT, _BLOCK, _LIST)
_TRUTHS = ("true", "false", "yes", "no", "on", "off")


def told(errors: Sequence[Mapping[str, Any]], *, secret: bool) -> tuple[str, str]:
    """The message and the hint for one place. Several mistakes are the members of a union, of
    which one would have done. A `secret` value is not shown.
    """
    own = [_own_words(e) for e in errors if _own_words(e)]
    if own:
        return _with_value(own[0], errors[0], secret=secret), ""
    expected = [_expected(e) for e in errors]
    message = f"expected {', or '.join(dict.fromkeys(expected))}"
    message = _with_value(message, errors[0], secret=secret)
    return message, "" if secret else _hint(errors, expected)


def _own_words(error: Mapping[str, Any]) -> str:
    """The message of a check of ours, or of a connector, which speaks for itself."""
    if error["type"] in EXPECTED:
        return ""
    message: str = error["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "expected")


def _expected(error: Mapping[str, Any]) -> str:
    context: Mapping[str, Any] = error.get("ctx", {})
    text = EXPECTED[error["type"]]
    pattern = str(context.get("pattern", ""))
    if pattern:
        form = _FORMS.get(pattern) or (_ADDRESS if pattern.startswith(URL) else "")
        return form or text.format(pattern=pattern)
    if text == _DAY and "outside" in str(context.get("error", "")):
        return f"{_DAY}, of a day that exists"
    return text.format(**context)


def _with_value(message: str, error: Mapping[str, Any], *, secret: bool) -> str:
    """With what stands there, unless the message says so."""
    value, kind = error.get("input"), error["type"]
    if isinstance(value, dict | list) and kind not in _COUNTED:
        shape = "a list" if isinstance(value, list) else "a mapping of keys"
        return f"{message}, found {shape}" if kind in EXPECTED else message
    if secret:
        misplaced = isinstance(value, str) and EXPECTED.get(kind) in (_BLOCK, _LIST)
        return f"{message}, found a text" if misplaced else message
    if kind in _COUNTED:
        count = error["ctx"].get("actual_length", len(value) if value is not None else 0)
        return f"{message}, found {count or 'none'}"
    told_already = repr(value) in message or f'"{value}"' in message
    if isinstance(value, str) and (told_already if value else not message.startswith("expected")):
        return message
    if isinstance(value, bool):
        return f"{message}, found {str(value).lower()}"
    return f"{message}, found " + ("nothing" if value is None else _short(value))


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"


def _hint(errors: Sequence[Mapping[str, Any]], expected: Sequence[str]) -> str:
    value = errors[0].get("input")
    wanted = expected[0]
    if value is None:
        below = wanted in (_BLOCK, _LIST)
        return "write what belongs to it below, indented, or remove the key" if below else _GIVE
    if isinstance(value, bool):
        read = "On and Yes as true" if value else "No and Off as false"
        quotable = any(w in _QUOTABLE for w in expected) or errors[0]["type"] in _WORDS
        quoted = f'YAML reads {read}: put the word in quotes, as in "{"Yes" if value else "No"}"'
        return quoted if quotable else ""
    if isinstance(value, dict | list):
        return "" if errors[0]["type"] in _COUNTED else _hint_for_shape(value, wanted)
    return _hint_for_text(str(value), wanted, errors)


_GIVE = "give it a value, or remove the key"
_WORDS = ("literal_error", "enum")


def _hint_for_shape(value: dict[str, Any] | list[Any], wanted: str) -> str:
    if wanted == _LIST:
        return "begin each entry with `- `"
    if wanted == _BLOCK:
        return "write `key: value`, without `- ` before it"
    if isinstance(value, dict) and wanted == _TEXT:
        return "a text that begins with { or holds `: ` needs quotes"
    return "write one value" if isinstance(value, list) and value else ""


def _hint_for_text(value: str, wanted: str, errors: Sequence[Mapping[str, Any]]) -> str:
    if wanted == _LIST:
        return f"write it in brackets: [{_short(value)[1:-1]}]"
    if wanted in (_NUMBER, _WHOLE):
        return _hint_for_number(value, wanted)
    choices = re.findall(
        r"'([^']*)'", " ".join(str(e.get("ctx", {}).get("expected", "")) for e in errors)
    )
    choices += _TRUTHS if _TRUTH in wanted else ()
    hint = suggestion(value.casefold(), choices) if choices else ""
    return hint if hint.startswith("did you") else ""


def _hint_for_number(value: str, wanted: str) -> str:
    if re.fullmatch(r"-?\d+,\d+", value) and wanted == _NUMBER:
        return f"write a point: {value.replace(',', '.')}"
    if re.fullmatch(r"-?[\d.]+\s*%", value):
        return "write the number alone; docs/configuration.md says in which unit"
    return "write the digits alone" if re.match(r"\d+[^\d.]", value) else ""
