"""What an allocation rule says of a record: whether it matches, and what its targets mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from itpm_sync.model import Contract, Record
from itpm_sync.reconcile.folding import pattern
from itpm_sync.reconcile.inputs import Rule

_LISTS = {
    "component": "components", "label": "labels", "version": "versions", "sprint": "sprints",
    "link": "links",
}  # fmt: skip
_FIELDS = frozenset(
    "epic queue category vendor contract order priority role team person code key resolution "
    "source_type source_status assignee requester reporter number".split()
)


def words(record: Record, key: str) -> tuple[str, ...]:  # noqa: PLR0911 - one line a key
    """What a record says for a key of `Rule.when` or a `{placeholder}`; empty if nothing."""
    if key == "kind":
        return (record.kind,)
    if key == "connection":
        return (record.ref.connection,)
    if key in ("project", "work_package"):
        own = record.project_key if key == "project" else record.work_package
        return (own,) if own else ()
    if key == "type":
        return tuple(str(t) for n in ("type", "source_type") if (t := getattr(record, n, "")))
    if key in _LISTS:
        found = getattr(record, _LISTS[key], ())
        return found or _attribute(record, key)
    if key == "contract" and isinstance(record, Contract):
        return (record.number,)
    if key in _FIELDS and (value := getattr(record, key, "")):
        return (str(value),)
    return _attribute(record, key)


def _attribute(record: Record, key: str) -> tuple[str, ...]:
    value = record.attributes.get(key, "")
    return (value,) if value else ()


class _Condition(NamedTuple):
    key: str
    exact: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    def holds(self, record: Record) -> bool:
        for word in words(record, self.key):
            folded = word.casefold()
            if folded in self.exact or any(p.match(folded) for p in self.patterns):
                return True
        return False


class CompiledRule(NamedTuple):
    """A rule, ready to be asked of many records."""

    rule: Rule
    conditions: tuple[_Condition, ...]

    @classmethod
    def of(cls, rule: Rule) -> CompiledRule:
        """The rule with its words folded and its wildcards compiled."""
        return cls(rule, tuple(_condition(key, values) for key, values in rule.when.items()))

    def matches(self, record: Record) -> bool:
        """Whether the record says what each key of `when` asks for."""
        return all(c.holds(record) for c in self.conditions)


def _condition(key: str, values: Iterable[str]) -> _Condition:
    folded = [v.casefold() for v in values]
    wild = [v for v in folded if "*" in v or "?" in v]
    exact = frozenset(v for v in folded if v not in wild)
    return _Condition(key, exact, tuple(pattern(v) for v in wild))


_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_ -]*)\}")


def targets_of(template: str, record: Record) -> Iterable[str]:
    """What a rule's target can mean for a record: one text for each word of its placeholders."""
    keys = _PLACEHOLDER.findall(template)
    if not keys:
        return (template,)
    found = {key: words(record, key) for key in keys}
    if not all(found.values()):
        return ()
    count = max(len(v) for v in found.values())
    return tuple(
        _PLACEHOLDER.sub(lambda m: found[m[1]][min(i, len(found[m[1]]) - 1)], template)  # noqa: B023
        for i in range(count)
    )
