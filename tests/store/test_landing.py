"""Landing pages: idempotent, ordered by the source's stamps, nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from itpm_sync.connector import Page, RawRecord
from itpm_sync.errors import RecordError
from itpm_sync.model import (
    InvoiceLine,
    ItemType,
    Money,
    SourceRef,
    TimeEntry,
    WorkItem,
    WorkStatus,
)
from itpm_sync.store import Landed, MakeOf, MapRecord, Store, made

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Mapped:
    records: tuple[Any, ...]
    problems: tuple[RecordError, ...] = ()


def rows(map_record: Callable[[RawRecord], Mapped]) -> MapRecord:
    """As the store takes it: rows for the records."""

    def apply(record: RawRecord, make: MakeOf) -> Mapped:
        mapped = map_record(record)
        return Mapped(tuple(made(r, make) for r in mapped.records), mapped.problems)

    return apply


def raw(source_id: str, minute: int = 0, *, scope: str = "NET", **fields: Any) -> RawRecord:
    return RawRecord(
        source_id,
        orjson.dumps({"title": f"item {source_id}", **fields}),
        scope,
        NOON + timedelta(minutes=minute),
        f"https://jira.example/{source_id}",
    )


def to_model(record: RawRecord) -> Mapped:
    """A work item, and a time entry for each of `work`; `bad` cannot be read."""
    data = orjson.loads(record.body)
    if "bad" in data:
        raise RecordError(
            field="bad", value=data["bad"], expected="nothing bad", place=record.url or ""
        )
    ref = SourceRef("jira", "issue", record.source_id, record.url)
    item = WorkItem(
        ref=ref,
        project_key=record.scope,
        updated_at=record.updated_at,
        key=f"NET-{record.source_id}",
        title=data["title"],
        points=Decimal(data["points"]) if "points" in data else None,
    )
    work = tuple(
        TimeEntry(
            ref=SourceRef("jira", "issue.time_entry", f"{record.source_id}/{number}"),
            item=ref.identity,
            person="Ann",
            on=date(2026, 3, 1),
            duration_s=seconds,
        )
        for number, seconds in enumerate(data.get("work", ()), start=1)
    )
    problems = (RecordError(field="soft", value=1, expected="text"),) if "soft" in data else ()
    return Mapped((item, *work), problems)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


def land(
    store: Store,
    *records: RawRecord,
    fingerprint: str = "one",
    run: str = "run",
    rejected: tuple[RecordError, ...] = (),
    hours: int = 0,
) -> Landed:
    return store.land_page(
        Page(records, rejected),
        run=run,
        connection="jira",
        stream="issue",
        fingerprint=fingerprint,
        map_record=rows(to_model),
        now=NOON + timedelta(hours=1 + hours),
    )


def titles(store: Store, as_of: datetime | None = None) -> dict[str, str]:
    return {r.key: r.title for r in store.records("work_item", as_of=as_of)}  # type: ignore[attr-defined]


def test_a_page_gives_raw_records_and_model_records(store: Store) -> None:
    landed = land(store, raw("1", work=[60, 120]), raw("2"))
    assert (landed.new, landed.mapped, landed.total) == (2, 4, 2)
    assert titles(store) == {"NET-1": "item 1", "NET-2": "item 2"}
    assert [t.duration_s for t in store.records("time_entry")] == [60, 120]  # type: ignore[attr-defined]
    assert store.counts("jira", "issue") == {"NET": 2}
    kept = store.raw_record("jira", "issue", "1")
    assert kept is not None
    assert kept.raw == raw("1", work=[60, 120])


def test_every_typed_value_comes_back_exactly(store: Store) -> None:
    ref = SourceRef("erp", "invoice", "7", None)
    line = InvoiceLine(
        ref=ref,
        attributes={"cost_code": "N-1", "ä": "ß"},
        invoice="R-7",
        invoiced_on=date(2026, 2, 28),
        quantity=Decimal("1.500"),
        amount=Money(Decimal("-0.10"), "EUR"),
        credit_note=True,
    )
    item = WorkItem(
        ref=ref,
        key="K",
        title="Grüße 🧨",
        type=ItemType.DEFECT,
        status=WorkStatus.IN_PROGRESS,
        points=Decimal("0.50"),
        estimate_s=2**62,
        labels=("a, b", "c"),
        created_at=datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC),
        due=date(2026, 12, 31),
    )
    store.land_page(
        Page(
            [RawRecord("7", b"{}")],
        ),
        run="run",
        connection="erp",
        stream="invoice",
        fingerprint="f",
        map_record=rows(lambda _: Mapped((line, item))),
        now=NOON,
    )
    (back,) = store.records("invoice_line")
    assert back == line
    assert isinstance(back, InvoiceLine)
    assert str(back.quantity) == "1.500"
    assert list(store.records("work_item")) == [item]


def test_landing_the_same_page_again_changes_nothing_and_maps_nothing(store: Store) -> None:
    page = (raw("1"), raw("2"))
    land(store, *page)
    before = store.raw_record("jira", "issue", "1")
    again = land(store, *page, run="later", hours=5)
    assert (again.unchanged, again.mapped) == (2, 0)
    assert store.raw_record("jira", "issue", "1") == before


def test_what_is_stored_is_found_although_nobody_looked_before_landing(store: Store) -> None:
    land(store, raw("1"), raw("2"), raw("3", minute=5))
    page = Page([raw("1"), raw("2", title="other"), raw("3", minute=4), raw("4")])
    prepared = store.prepare(
        page, connection="jira", stream="issue", fingerprint="one", map_record=rows(to_model),
        first=True,
    )  # fmt: skip
    landed = store.land([prepared], run="run", now=NOON)
    assert landed == Landed(unchanged=1, changed=1, older=1, new=1, mapped=2)
    assert titles(store) == {f"NET-{i}": f"item {i}" for i in "134"} | {"NET-2": "other"}


def test_an_older_version_never_overwrites_a_newer_one(store: Store) -> None:
    land(store, raw("1", minute=5, title="new"))
    landed = land(store, raw("1", minute=4, title="old"))
    assert (landed.older, landed.changed) == (1, 0)
    assert titles(store) == {"NET-1": "new"}


def test_an_older_version_of_a_later_run_counts(store: Store) -> None:
    """The source was restored from a backup, or its clock was set back."""
    land(store, raw("1", minute=5, title="new", work=[60]))
    landed = land(store, raw("1", minute=4, title="old", work=[]), run="later", hours=5)
    assert (landed.older, landed.changed, landed.removed) == (0, 1, 1)
    assert titles(store) == {"NET-1": "old"}
    again = land(store, raw("1", minute=5, title="new"), run="later", hours=5)
    assert again.changed == 1, "within that run the newer one counts again"


def test_a_state_that_bears_an_older_stamp_begins_when_it_was_seen(store: Store) -> None:
    land(store, raw("1", minute=0, title="first"))
    land(store, raw("1", minute=10, title="second", work=[60]))
    land(store, raw("1", minute=0, title="first"), run="later", hours=5)
    at = {h: titles(store, NOON + timedelta(hours=h))["NET-1"] for h in (0, 1, 5, 6, 7)}
    assert at == {0: "first", 1: "second", 5: "second", 6: "first", 7: "first"}
    (entry,) = store.gone("time_entry", as_of=NOON + timedelta(hours=6))
    assert list(store.records("time_entry", as_of=NOON + timedelta(hours=5))) == [entry]


def test_what_a_run_met_unchanged_is_not_overwritten_by_an_older_version_in_that_run(
    store: Store,
) -> None:
    """The second answer came from an index that lags."""
    land(store, raw("1", minute=5, title="new"))
    assert land(store, raw("1", minute=5, title="new"), run="later").unchanged == 1
    assert land(store, raw("1", minute=4, title="old"), run="later").older == 1
    assert titles(store) == {"NET-1": "new"}


def test_what_a_later_run_is_told_to_be_gone_is_gone_whatever_its_stamp(store: Store) -> None:
    land(store, raw("1", minute=5))
    gone = replace(raw("1", minute=4), deleted=True)
    assert land(store, gone, run="later", hours=5).gone == 1
    assert len(list(store.records("work_item", as_of=NOON + timedelta(hours=5)))) == 1
    assert list(store.records("work_item", as_of=NOON + timedelta(hours=6))) == []


def test_of_one_record_twice_in_a_page_the_newest_counts(store: Store) -> None:
    land(store, raw("1", minute=5, title="new"), raw("1", minute=4, title="old"))
    assert titles(store) == {"NET-1": "new"}


def test_a_superseded_state_becomes_a_version_that_as_of_reads(store: Store) -> None:
    land(store, raw("1", minute=0, title="first"))
    land(store, raw("1", minute=10, title="second"))
    land(store, raw("1", minute=20, title="third"))
    at = {
        m: titles(store, NOON + timedelta(minutes=m))["NET-1"] for m in (-9, 0, 9, 10, 19, 20, 99)
    }
    assert at == {
        -9: "first", 0: "first", 9: "first", 10: "second", 19: "second", 20: "third", 99: "third"
    }  # fmt: skip
    states = store.versions("work_item", "jira:issue:1")
    assert [(s, r.title) for s, r in states] == [  # type: ignore[attr-defined]
        (NOON, "first"),
        (NOON + timedelta(minutes=10), "second"),
        (NOON + timedelta(minutes=20), "third"),
    ]


def test_a_new_stamp_alone_is_no_new_version(store: Store) -> None:
    land(store, raw("1", minute=0))
    land(store, raw("1", minute=10))
    assert len(store.versions("work_item", "jira:issue:1")) == 1
    (item,) = store.records("work_item")
    assert item.updated_at == NOON + timedelta(minutes=10)


def test_children_are_replaced_as_a_set(store: Store) -> None:
    land(store, raw("1", work=[60, 120]))
    landed = land(store, raw("1", minute=1, work=[90]))
    assert landed.removed == 1
    assert [t.duration_s for t in store.records("time_entry")] == [90]  # type: ignore[attr-defined]
    assert [t.duration_s for t in store.gone("time_entry")] == [120]  # type: ignore[attr-defined]
    land(store, raw("1", minute=2, work=[90, 120]))
    assert [t.duration_s for t in store.records("time_entry")] == [90, 120]  # type: ignore[attr-defined]


def test_two_children_with_one_id_are_reported_not_merged(store: Store) -> None:
    child = TimeEntry(
        ref=SourceRef("jira", "issue.time_entry", "1/1"),
        person="A",
        on=date(2026, 1, 1),
        duration_s=1,
    )
    store.land_page(
        Page([raw("1")]), run="run", connection="jira", stream="issue", fingerprint="f", now=NOON,
        map_record=rows(lambda _: Mapped((child, child))),
    )  # fmt: skip
    assert len(list(store.records("time_entry"))) == 1
    (problem,) = store.rejected()
    assert "no other child" in problem.message


def test_a_bad_record_is_quarantined_and_cleared_when_mended(store: Store) -> None:
    landed = land(store, raw("1", bad="x"), raw("2"))
    assert (landed.new, landed.quarantined) == (2, 1)
    assert titles(store) == {"NET-2": "item 2"}
    (problem,) = store.rejected("jira")
    assert (problem.source_id, problem.field) == ("1", "bad")
    assert "expected nothing bad, found 'x'" in problem.message
    land(store, raw("1", minute=1))
    assert store.rejected() == ()
    assert set(titles(store)) == {"NET-1", "NET-2"}


def test_a_record_that_turns_bad_keeps_its_last_good_rows(store: Store) -> None:
    land(store, raw("1", title="good", work=[60]))
    land(store, raw("1", minute=1, bad="x"), hours=1)
    assert titles(store) == {"NET-1": "good"}
    assert len(list(store.records("time_entry"))) == 1
    first = store.rejected()[0].first_seen
    land(store, raw("1", minute=2, bad="x"), hours=2)
    assert store.rejected()[0].first_seen == first


def test_an_address_with_a_nul_is_stored_without_it(store: Store) -> None:
    def linked(record: RawRecord) -> Mapped:
        (item,) = to_model(record).records
        return Mapped((replace(item, ref=replace(item.ref, url="http://j/\0")),))

    store.land_page(
        Page([raw("1")]), run="run", connection="jira", stream="issue",
        fingerprint="f", map_record=rows(linked), now=NOON,
    )  # fmt: skip
    assert [r.ref.url for r in store.records("work_item")] == ["http://j/\ufffd"]


def test_a_value_that_no_database_can_hold_quarantines_only_its_record(store: Store) -> None:
    def too_big(record: RawRecord) -> Mapped:
        item = to_model(record).records[0]
        assert isinstance(item, WorkItem)
        spent = 2**63 if record.source_id == "1" else 1
        return Mapped((WorkItem(ref=item.ref, key=item.key, title="NUL \0 \ud800", spent_s=spent),))

    store.land_page(
        Page([raw("1"), raw("2")]), run="run", connection="jira", stream="issue",
        fingerprint="f", map_record=rows(too_big), now=NOON,
    )  # fmt: skip
    assert titles(store) == {"NET-2": "NUL \ufffd \ufffd"}
    (problem,) = store.rejected()
    assert problem.source_id == "1"
    assert "64 bits" in problem.message


@pytest.mark.parametrize("strange", ["nul \0", "half \ud800", "x" * 501])
def test_an_id_that_cannot_be_a_key_is_rejected_and_the_rest_lands(
    store: Store, strange: str
) -> None:
    child = TimeEntry(
        ref=SourceRef("jira", "issue.time_entry", f"3/{strange}"),
        person="A",
        on=date(2026, 1, 1),
        duration_s=1,
    )

    def bad_child_of_3(record: RawRecord) -> Mapped:
        return Mapped((child,)) if record.source_id == "3" else to_model(record)

    named_strangely = RawRecord(strange, b'{"title": "x"}', "NET", NOON)
    store.land_page(
        Page([named_strangely, raw("2"), raw("3")]), run="run", connection="jira",
        stream="issue", fingerprint="f", map_record=rows(bad_child_of_3), now=NOON,
    )  # fmt: skip
    assert set(titles(store)) == {"NET-2"}
    assert sorted(p.source_id for p in store.rejected()) == ["", "3"]


def test_a_soft_problem_is_reported_and_the_record_loaded(store: Store) -> None:
    land(store, raw("1", soft=1))
    assert set(titles(store)) == {"NET-1"}
    assert [p.field for p in store.rejected()] == ["soft"]


def test_what_a_connector_rejects_is_kept_with_its_place(store: Store) -> None:
    unnamed = RecordError(field="Net", value="x", expected="an amount", place="a.csv row 14")
    land(store, rejected=(unnamed,), run="one")
    assert [(p.place, p.source_id) for p in store.rejected()] == [("a.csv row 14", "")]
    store.clear_rejected("jira", "issue", "one")
    assert len(store.rejected()) == 1
    store.clear_rejected("jira", "issue", "two")
    assert store.rejected() == ()


def test_a_record_that_the_connector_could_not_read_is_looked_at_again(store: Store) -> None:
    land(store, raw("1"))
    unreadable = RecordError(field="history", value=1, expected="all of it", source_id="1")
    land(store, rejected=(unreadable,))
    assert [p.source_id for p in store.rejected()] == ["1"]
    assert set(titles(store)) == {"NET-1"}
    land(store, raw("1"))
    assert store.rejected() == ()


def test_a_tombstone_marks_the_record_and_keeps_what_it_was(store: Store) -> None:
    land(store, raw("1", title="was here", work=[60]))
    dead = RawRecord("1", b'{"title":""}', "NET", NOON + timedelta(minutes=5), deleted=True)
    assert land(store, dead).gone == 1
    assert titles(store) == {}
    assert [r.title for r in store.gone("work_item")] == ["was here"]  # type: ignore[attr-defined]
    assert list(store.records("time_entry")) == []
    assert titles(store, NOON + timedelta(minutes=4)) == {"NET-1": "was here"}
    assert store.counts("jira", "issue") == {}
    assert land(store, dead).unchanged == 1


def test_a_merged_record_names_its_successor(store: Store) -> None:
    land(store, raw("1"), raw("2"))
    land(store, RawRecord("1", b"{}", "NET", NOON + timedelta(minutes=1), merged_into="2"))
    kept = store.raw_record("jira", "issue", "1")
    assert kept is not None
    assert (kept.absent, kept.raw.merged_into) == ("merged", "2")
    assert set(titles(store)) == {"NET-2"}


def test_a_record_that_returns_is_live_again_with_its_children(store: Store) -> None:
    land(store, raw("1", work=[60]))
    store.mark_absent("jira", "issue", ["1"], cause="deleted", at=NOON + timedelta(hours=2))
    assert (titles(store), len(list(store.gone("time_entry")))) == ({}, 1)
    landed = land(store, raw("1", work=[60]), hours=3)
    assert landed.returned == 1
    assert set(titles(store)) == {"NET-1"}
    assert len(list(store.records("time_entry"))) == 1
    assert store.raw_record("jira", "issue", "1").absent is None  # type: ignore[union-attr]


def test_history_has_no_gap_where_a_record_was_absent_and_came_back(store: Store) -> None:
    land(store, raw("1"))
    store.mark_absent("jira", "issue", ["1"], cause="hidden", at=NOON + timedelta(hours=2))
    between = NOON + timedelta(hours=3)
    assert titles(store, as_of=between) == {}
    land(store, raw("1"), hours=4)
    assert set(titles(store, as_of=between)) == {"NET-1"}, "it was there, we only did not see it"


def test_a_record_that_returns_unreadable_is_live_as_last_known(store: Store) -> None:
    land(store, raw("1", title="known", work=[60]))
    store.mark_absent("jira", "issue", ["1"], cause="hidden", at=NOON + timedelta(hours=2))
    land(store, raw("1", minute=9, bad="x"), hours=3)
    assert titles(store) == {"NET-1": "known"}
    assert len(list(store.records("time_entry"))) == 1


def test_a_moved_record_keeps_its_identity(store: Store) -> None:
    land(store, raw("1"))
    land(store, raw("1", minute=1, scope="OPS"))
    assert store.counts("jira", "issue") == {"OPS": 1}
    (item,) = store.records("work_item")
    assert (item.id, item.project_key) == ("jira:issue:1", "OPS")


def test_a_failing_transaction_leaves_nothing_behind(store: Store) -> None:
    def explode(record: RawRecord) -> Mapped:
        if record.source_id == "2":
            raise KeyboardInterrupt
        return to_model(record)

    with pytest.raises(KeyboardInterrupt):
        store.land_page(
            Page([raw("1"), raw("2")]), run="run", connection="jira", stream="issue",
            fingerprint="f", map_record=rows(explode), now=NOON,
        )  # fmt: skip
    assert store.counts("jira", "issue") == {}
    assert titles(store) == {}


def test_a_changed_mapping_replaces_rows_in_place_without_a_version(store: Store) -> None:
    land(store, raw("1", title="short", work=[60]))

    def upper(record: RawRecord) -> Mapped:
        item = to_model(record).records[0]
        assert isinstance(item, WorkItem)
        return Mapped((WorkItem(ref=item.ref, key=item.key, title=item.title.upper()),))

    arguments: dict[str, Any] = {
        "run": "r2", "connection": "jira", "stream": "issue", "fingerprint": "two",
        "map_record": rows(upper), "now": NOON + timedelta(hours=9),
    }  # fmt: skip
    stale = [stored.raw for stored in store.raw_records("jira", stale_for="two")]
    rehearsed = store.remap_page(stale, **arguments, dry_run=True)
    assert titles(store) == {"NET-1": "short"}
    done = store.remap_page(stale, **arguments)
    assert (
        rehearsed.changed_ids == done.changed_ids == ("jira:issue:1", "jira:issue.time_entry:1/1")
    )
    assert titles(store) == {"NET-1": "SHORT"}
    assert (list(store.records("time_entry")), list(store.gone("time_entry"))) == ([], [])
    assert len(store.versions("work_item", "jira:issue:1")) == 1
    assert list(store.raw_records("jira", stale_for="two")) == []
    assert store.raw_record("jira", "issue", "1").run == "run"  # type: ignore[union-attr]


def test_what_another_mapping_makes_of_a_stored_record_came_with_that_record(store: Store) -> None:
    arguments: dict[str, Any] = {"connection": "jira", "stream": "issue"}
    unstamped = replace(raw("1", work=[60]), updated_at=None)
    alone = rows(lambda record: Mapped(to_model(record).records[:1]))
    store.land_page(
        Page([unstamped]), run="r1", fingerprint="one", map_record=alone, now=NOON, **arguments
    )
    store.remap_page(
        [unstamped], run="r2", fingerprint="two", map_record=rows(to_model),
        now=NOON + timedelta(days=9), **arguments,
    )  # fmt: skip
    assert len(list(store.records("time_entry"))) == 1
    assert store.first_known_after("time_entry", NOON) == frozenset()


def test_remapping_keeps_absent_records_absent(store: Store) -> None:
    land(store, raw("1"))
    store.mark_absent("jira", "issue", ["1"], cause="deleted", at=NOON + timedelta(hours=2))
    stale = [stored.raw for stored in store.raw_records("jira", stale_for="two")]
    store.remap_page(
        stale, run="r", connection="jira", stream="issue", fingerprint="two",
        map_record=rows(to_model), now=NOON,
    )  # fmt: skip
    assert titles(store) == {}
    assert len(list(store.gone("work_item"))) == 1


def test_more_records_than_a_reader_s_batch_are_streamed_in_order(store: Store) -> None:
    land(store, *(raw(f"{i:05}") for i in range(2_345)))
    ids = [record.ref.source_id for record in store.records("work_item")]
    assert ids == [f"{i:05}" for i in range(2_345)]
    assert sum(1 for _ in store.raw_records("jira")) == 2_345


def test_each_record_that_a_stream_gave_tells_its_scope_and_so_does_what_stands_in_it(
    store: Store,
) -> None:
    given = [raw("1", work=[60]), replace(raw("2"), scope="SDM")]
    store.land_page(
        Page(given), run="r1", connection="jira", stream="issue", fingerprint="one",
        map_record=rows(to_model), now=NOON,
    )  # fmt: skip
    assert store.scopes(("work_item", "time_entry"), "jira", "issue") == {
        "jira:issue:1": given[0].scope, "jira:issue:2": "SDM",
        "jira:issue.time_entry:1/1": given[0].scope,
    }  # fmt: skip
    assert store.scopes(("work_item",), "jira", "other") == {}
