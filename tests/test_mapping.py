from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest

from itpm_sync.connector import RawRecord
from itpm_sync.errors import ConfigError, RecordError
from itpm_sync.mapping import Mapped, compile_mapping
from itpm_sync.model import HelpDeskItem, InvoiceLine, Money, TimeEntry, WorkItem, WorkStatus


def work_item(fields: dict, **rule: object) -> dict:
    return {
        "version": 1,
        "streams": {
            "issue": [{"to": "work_item", "fields": {"key": "key", "title": "t", **fields}, **rule}]
        },
    }


def apply(mapping: dict, body: dict, **variables: str) -> Mapped:
    raw = RawRecord("7", orjson.dumps({"key": "NET-7", "t": "Title", **body}), url="http://j/NET-7")
    return compile_mapping(mapping, variables).apply("jira", "issue", raw)


def one(mapping: dict, body: dict, **variables: str) -> WorkItem:
    (record,) = apply(mapping, body, **variables).records
    assert isinstance(record, WorkItem)
    return record


def test_paths_walk_objects_lists_and_named_elements() -> None:
    item = one(
        work_item(
            {
                "assignee": "people.1.name",
                "components": {"path": "c.*.name", "as": "list"},
                "epic": "cf[name=Project Code].values.0",
            }
        ),
        {
            "people": [{"name": "a"}, {"name": "b"}],
            "c": [{"name": "x"}, {"id": 1}, {"name": "y, z"}],
            "cf": [{"name": "Other", "values": ["no"]}, {"name": "Project Code", "values": ["P1"]}],
        },
    )
    assert (item.assignee, item.components, item.epic) == ("b", ("x", "y, z"), "P1")


def test_words_are_translated_whatever_their_case_and_the_source_word_is_kept() -> None:
    rule = {
        "status": {"path": "s", "map": {"Closed": "done"}, "default": "todo"},
        "source_status": "s",
    }
    item = one(work_item(rule), {"s": "CLOSED"})
    assert (item.status, item.source_status) == (WorkStatus.DONE, "CLOSED")
    assert one(work_item(rule), {"s": "Whatever"}).status is WorkStatus.TODO
    assert one(work_item(rule), {}).status is WorkStatus.TODO


def test_a_word_outside_our_terms_quarantines_the_record_and_names_the_known_ones() -> None:
    with pytest.raises(
        RecordError, match="s: expected one of todo, in_progress, done, cancelled, found 'Shipped'"
    ):
        one(work_item({"status": "s"}), {"s": "Shipped"})


def test_a_soft_field_is_left_empty_and_reported_beside_the_record() -> None:
    mapped = apply(work_item({"points": {"path": "p", "soft": True}}), {"p": "many"})
    (record,), (problem,) = mapped.records, mapped.problems
    assert isinstance(record, WorkItem)
    assert record.points is None
    assert "p: expected a number, found 'many'" in str(problem)
    assert "http://j/NET-7" in str(problem)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ({"as": "int"}, "12.5", "a whole number"),
        ({"as": "int"}, "1e30", "a whole number"),
        ({"as": "hours"}, "soon", "a number"),
        ({"as": "seconds"}, "NaN", "a number"),
    ],
)
def test_numbers_that_are_none_are_refused(rule: dict, value: object, expected: str) -> None:
    with pytest.raises(RecordError, match=expected):
        one(work_item({"spent_s": {"path": "v", **rule}}), {"v": value})


def test_durations_become_seconds() -> None:
    assert one(work_item({"spent_s": {"path": "v", "as": "minutes"}}), {"v": "90"}).spent_s == 5400
    assert one(work_item({"spent_s": {"path": "v", "as": "hours"}}), {"v": 1.25}).spent_s == 4500


def test_times_become_utc_and_dates_stay_the_days_that_the_source_wrote() -> None:
    item = one(
        work_item(
            {
                "created_at": "c",
                "due": "d",
                "resolved_at": {"path": "r", "zone": "America/New_York"},
            }
        ),
        {
            "c": "2016-02-03T23:55:46.123+0130",
            "d": "2016-02-03T23:30:00-0800",
            "r": "2016-07-01 08:00:00",
        },
    )
    assert item.created_at == datetime(2016, 2, 3, 22, 25, 46, 123000, UTC)
    assert item.due == date(2016, 2, 3)
    assert item.resolved_at == datetime(2016, 7, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("stamp", ["yesterday", "2016-13-01", "0001-01-01T00:00:00+14:00", [1]])
def test_impossible_times_are_refused_not_guessed(stamp: object) -> None:
    with pytest.raises(RecordError, match="expected an ISO 8601 date"):
        one(work_item({"created_at": "c"}), {"c": stamp})


def test_variables_name_custom_fields_and_an_unknown_one_yields_no_value() -> None:
    mapping = work_item({"points": "fields.{points}"}, attributes={"cost_code": "fields.{cost}"})
    body = {"fields": {"customfield_1": 0.1}}
    assert one(mapping, body, points="customfield_1").points == Decimal("0.1")
    assert one(mapping, body).points is None


def test_attributes_are_text_for_rules_whatever_the_source_holds() -> None:
    mapping = work_item({}, attributes={"a": "a", "b": "b", "c": "c", "d": "d"})
    body = {"a": {"value": "Blue"}, "b": [{"name": "x"}, {"name": "y"}], "c": None, "d": True}
    assert one(mapping, body).attributes == {"a": "Blue", "b": "x, y", "d": "true"}


def test_each_makes_children_with_their_own_identity_that_can_see_the_parent() -> None:
    mapping = work_item({})
    mapping["streams"]["issue"].append(
        {
            "to": "time_entry",
            "each": "log",
            "when": {"path": "s", "not": "0"},
            "fields": {
                "item": "^@id",
                "person": "who",
                "work_package": "^key",
                "on": "at",
                "duration_s": "s",
            },
        }
    )
    log = [
        {"id": 1, "who": "ana", "at": "2026-01-05", "s": 60},
        {"id": 2, "who": "bob", "at": "2026-01-06", "s": 0},
    ]
    parent, child = apply(mapping, {"log": log}).records
    assert isinstance(child, TimeEntry)
    assert child.id == "jira:issue.time_entry:7/1"
    assert (child.item, child.work_package, child.duration_s) == (parent.id, "NET-7", 60)


def test_money_carries_its_currency_or_takes_the_declared_one() -> None:
    def line(rule: object, value: object) -> Money:
        fields = {"invoice": "n", "invoiced_on": "on", "amount": rule}
        mapping = {"streams": {"issue": [{"to": "invoice_line", "fields": fields}]}}
        (record,) = apply(mapping, {"n": "I1", "on": "2026-01-05", "a": value}).records
        assert isinstance(record, InvoiceLine)
        return record.amount

    assert line("a", {"amount": "12.50", "currency": "CHF"}) == Money(Decimal("12.50"), "CHF")
    assert line("a", "12.50 EUR") == Money(Decimal("12.50"), "EUR")
    declared = {"path": "a", "as": "money", "currency": "USD", "scale": 1000}
    assert line(declared, "0.179") == Money(Decimal(179), "USD")
    with pytest.raises(RecordError, match="currency code"):
        line("a", "12.50")


def test_the_first_path_with_a_value_wins() -> None:
    rule = {"epic": {"first": ["a", "b"]}}
    assert one(work_item(rule), {"a": "", "b": "B"}).epic == "B"


def test_a_choice_of_no_path_at_all_is_a_mistake_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"epic/first: expected a list of paths, found list \[\]"):
        compile_mapping(work_item({"epic": {"first": []}}), {}, "m")


def test_an_address_is_read_as_text() -> None:
    rule = {"to": "time_entry", "each": "logs", "url": "link",
            "fields": {"person": "who", "on": "day", "duration_s": "s"}}  # fmt: skip
    log = {"id": 1, "link": 17, "who": "ann", "day": "2026-03-02", "s": 60}
    (entry,) = apply({"streams": {"issue": [rule]}}, {"logs": [log]}).records
    assert entry.ref.url == "17"


def test_conditions_choose_between_rules() -> None:
    mapping = {
        "streams": {
            "issue": [
                {
                    "to": "help_desk_item",
                    "when": [{"path": "q", "in": ["IT", "HR"]}, {"path": "x", "present": False}],
                    "fields": {"key": "key", "title": "t"},
                }
            ]
        }
    }
    assert [type(r) for r in apply(mapping, {"q": "it"}).records] == [HelpDeskItem]
    assert apply(mapping, {"q": "it", "x": 1}).records == ()
    assert apply(mapping, {"q": "Sales"}).records == ()


def test_every_mistake_in_a_mapping_is_named_with_its_path_and_a_suggestion() -> None:
    broken = {
        "streams": {
            "issue": [
                {"to": "work_itm", "fields": {}},
                {
                    "to": "work_item",
                    "feilds": 1,
                    "fields": {
                        "key": "key",
                        "titel": "t",
                        "points": {"path": "a", "as": "decimals"},
                        "due": {"path": "d", "zone": "Europe/Zurigo"},
                        "epic": "a..b",
                    },
                },
            ]
        }
    }
    with pytest.raises(ConfigError) as caught:
        compile_mapping(broken)
    found = {"/".join(map(str, p.path)): f"{p.message} {p.hint}" for p in caught.value.problems}
    at = "streams/issue/1"
    assert 'did you mean "work_item"?' in found["streams/issue/0/to"]
    assert 'did you mean "fields"?' in found[f"{at}/feilds"]
    assert 'did you mean "title"?' in found[f"{at}/fields/titel"]
    assert 'did you mean "decimal"?' in found[f"{at}/fields/points/as"]
    assert "Europe/Zurigo" in found[f"{at}/fields/due/zone"]
    assert "malformed path 'a..b'" in found[f"{at}/fields/epic"]
    assert "needs the field 'title'" in found[f"{at}/fields"]


def test_the_fingerprint_changes_with_rules_and_variables_only() -> None:
    base = compile_mapping(work_item({}), {"a": "1"}).fingerprint
    assert compile_mapping(work_item({}), {"a": "1"}).fingerprint == base
    assert compile_mapping(work_item({}), {"a": "2"}).fingerprint != base
    assert compile_mapping(work_item({"epic": "e"}), {"a": "1"}).fingerprint != base
