"""Items that were split or merged: named in the ledger, counted as the definition says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itpm_sync.model import ChangeRequest, ItemType, TimeEntry, WorkItem, WorkStatus
from itpm_sync.reconcile.explain import explain
from itpm_sync.reconcile.inputs import BaselineItem, RecordedBaseline

BASELINE = date(2026, 2, 2)


@pytest.fixture
def frozen(world):
    """A recorded baseline of ten items of 8 points and ten hours each, NET-0 to NET-9."""
    record(world)
    for number in range(10):
        item(world, number)
    return world


def record(world, points=8, estimate_s=36_000, items=10):
    world.options["baselines"] = (
        RecordedBaseline(
            project="NET", version=1, on=BASELINE, author="Ann", approval="Board",
            change_request="", packages=(),
            items=tuple(
                BaselineItem(
                    identity=f"src:work_item:i{n}", key=f"NET-{n}", title=f"Item {n}",
                    work_package="", points=points and Decimal(points), estimate_s=estimate_s,
                )
                for n in range(items)
            ),
        ),
    )  # fmt: skip


def item(world, number, points=8, *links, **fields):
    world.records["work_item"] = [
        i for i in world.records.get("work_item", ()) if i.key != f"NET-{number}"
    ]
    fields = {"type": ItemType.STORY, "title": f"Item {number}", "estimate_s": 36_000} | fields
    points = None if points is None else Decimal(points)
    return world.add(
        WorkItem, f"i{number}", key=f"NET-{number}", points=points, links=links, **fields
    )


def cancel(world, number, *links):
    return item(world, number, 8, *links, status=WorkStatus.CANCELLED)


def changes(world):
    return {
        c.key: (c.change, c.by, c.origins, c.results, c.size_kept)
        for c in world.project().scope_changes
    }


def codes(world):
    return {f.code for f in world.project().findings}


def test_a_scope_that_stayed_is_rated_in_few_words(frozen):
    rating = next(r for r in frozen.project().ratings if r.dimension == "scope")
    assert (rating.colour, rating.reason) == (
        "green", "nothing was added to or removed from baseline 1 of 2 Feb 2026",
    )  # fmt: skip


@pytest.mark.parametrize("sides", ["both", "original", "part"])
def test_a_split_names_its_original_and_its_part_and_needs_no_approval(frozen, sides):
    item(frozen, 3, 5, *(["split to NET-20"] if sides != "part" else []))
    item(frozen, 20, 3, *(["split from NET-3"] if sides != "original" else []))
    assert changes(frozen) == {"NET-20": ("added", "split", ("NET-3",), ("NET-20",), True)}
    found = frozen.figures()
    assert (found["added"], found["added_by_split"], found["creep"]) == (1, 1, 10)
    assert not {"scope-added-unapproved", "gold-plating"} & codes(frozen)
    rating = next(r for r in frozen.project().ratings if r.dimension == "scope")
    assert "1 item added to baseline 1 of 2 Feb 2026 (1 by splitting or merging)" in rating.reason
    assert "0 of the added without approval" in rating.reason


def scope_rating(world):
    return next(r for r in world.project().ratings if r.dimension == "scope")


def test_a_split_that_kept_its_size_is_rated_as_no_growth(world):
    """Four items of 5 points; NET-2 became NET-5 and NET-6, of 3 and 2, and is itself worth 0."""
    record(world, points=5, estimate_s=None, items=4)
    for number in (0, 1, 3):
        item(world, number, 5, estimate_s=None)
    item(world, 2, 0, "split to NET-5", "split to NET-6", estimate_s=None)
    parts = [item(world, 5, 3, estimate_s=None), item(world, 6, 2, estimate_s=None)]
    for part in parts:
        book(world, part, 10)
    found = world.figures()
    assert (found["added"], found["creep"]) == (2, 50)  # 2 of 4, as the definition says
    assert found["churn"] == 50  # the original is not re-estimated too
    assert found["unplanned_effort_s"] == 0
    rating = scope_rating(world)
    assert rating.colour == "green"
    assert rating.reason == (
        "2 items added to baseline 1 of 2 Feb 2026 (2 by splitting or merging), 0 removed: net "
        "50.0 %, 0.0 % without splits and merges that kept their size; 0 of the added without "
        "approval"
    )
    terms = {t.symbol: t for t in explain(world.inputs(), "NET", "churn").inputs}
    term = terms["re-estimated"]
    assert (term.value, term.note) == (0, "without sizes that only went to parts or were merged")
    item(world, 6, 3, estimate_s=None)  # 6 points of 5: it grew
    assert scope_rating(world).colour == "red"
    assert world.figures()["churn"] == 75  # 2 added and 1 re-estimated of 4


def test_parts_that_kept_their_size_are_no_growth_in_a_month(frozen, at):
    late = {"created_at": at("2026-03-02T09:00")}
    item(frozen, 3, 2, "split to NET-20", "split to NET-21", "split to NET-22")
    for number in (20, 21, 22):
        item(frozen, number, 2, **late)
    assert frozen.figures()["scope_growth"] == 30  # 13 for 10: more tickets, as it is defined
    assert frozen.findings("scope-growing") == []
    item(frozen, 30, **late)
    [found] = frozen.findings("scope-growing")
    assert found.message == (
        "14 items in scope, 10 on 13 Feb 2026: 40.0 % more in a month, "
        "10.0 % without splits and merges that kept their size"
    )
    assert [e.label.split()[0] for e in found.evidence] == ["NET-30"]


def test_parts_that_are_more_than_their_original_are_growth_in_a_month(frozen, at):
    item(frozen, 3, 8, "split to NET-20")
    item(frozen, 20, 1, created_at=at("2026-03-02T09:00"))
    [found] = frozen.findings("scope-growing")
    assert found.message == "11 items in scope, 10 on 13 Feb 2026: 10.0 % more in a month"


def test_growth_is_not_hidden_behind_tickets_that_were_merged(frozen, at):
    item(frozen, 3, 16, "merged from NET-4")
    cancelled = {"status": WorkStatus.CANCELLED, "resolved_at": at("2026-03-02T09:00")}
    item(frozen, 4, 8, **cancelled)
    item(frozen, 30, created_at=at("2026-03-02T09:00"))
    assert frozen.figures()["scope_growth"] == 0  # ten, and ten a month ago
    [found] = frozen.findings("scope-growing")
    assert "0.0 % more in a month, 10.0 % without splits and merges" in found.message


def test_what_a_split_made_smaller_is_told_as_removed_and_rated_as_no_growth(frozen):
    cancel(frozen, 3, "split to NET-20", "split to NET-21")
    item(frozen, 20, 5)
    item(frozen, 21, 2)  # 7 of 8 points
    assert frozen.figures()["creep"] == 10
    assert "net 10.0 %, 0.0 % without" in scope_rating(frozen).reason
    assert "scope-removed" in codes(frozen)


def test_a_merge_is_rated_as_loss_only_where_size_was_lost(frozen):
    for number in (3, 4):
        cancel(frozen, number, "merged into NET-5")
    item(frozen, 5, 24)
    assert frozen.figures()["churn"] == 20  # 2 removed of 10; NET-5 only took them over
    assert scope_rating(frozen).colour == "green"
    item(frozen, 5, 23)
    assert scope_rating(frozen).colour == "red"  # net -20 %
    assert frozen.figures()["churn"] == 30


def test_effort_on_what_a_baseline_item_became_is_planned(frozen):
    cancel(frozen, 3, "split to NET-20")
    book(frozen, item(frozen, 20, 30, "split to NET-21"), 1)  # grew, which creep tells
    book(frozen, item(frozen, 21), 2)  # a part of a part
    book(frozen, item(frozen, 30), 4)  # nobody planned it
    item(frozen, 31, 8, "split to NET-32")
    book(frozen, item(frozen, 32), 8)  # a part of what nobody planned
    assert frozen.figures()["unplanned_effort_s"] == 12 * 3600


def book(world, on, hours):
    world.add(
        TimeEntry, f"t-{on.key}", person="p", on=date(2026, 3, 9), duration_s=3600 * hours,
        item=on.id,
    )  # fmt: skip


def test_parts_that_are_more_than_their_original_are_growth_that_wants_approval(frozen):
    item(frozen, 3, 5, "split to NET-20")
    item(frozen, 20, "3.5")
    assert changes(frozen)["NET-20"][-1] is False
    assert "scope-added-unapproved" in codes(frozen)
    frozen.add(ChangeRequest, "c", number="CR-1", title="More", status="approved")
    item(frozen, 20, "3.5", labels=("CR-1",))
    assert "scope-added-unapproved" not in codes(frozen)


def test_an_original_that_its_parts_replaced_is_not_lost(frozen):
    cancel(frozen, 3, "split to NET-20", "split to NET-21")
    item(frozen, 20, 5)
    item(frozen, 21, 3)
    assert changes(frozen) == {
        "NET-20": ("added", "split", ("NET-3",), ("NET-20",), True),
        "NET-21": ("added", "split", ("NET-3",), ("NET-21",), True),
        "NET-3": ("removed", "split", ("NET-3",), ("NET-20", "NET-21"), True),
    }
    found = frozen.figures()
    assert (found["added"], found["removed"], found["creep"]) == (2, 1, 10)
    assert (found["added_by_split"], found["removed_by_split"]) == (2, 1)
    assert "scope-removed" not in codes(frozen)
    item(frozen, 21, 2)  # a point of the eight went away, and nobody says why
    assert [changes(frozen)[k][-1] for k in ("NET-3", "NET-20")] == [False, True]
    assert "scope-removed" in codes(frozen)


def test_items_merged_into_one_are_removed_by_it(frozen):
    cancel(frozen, 3, "merged into NET-5")
    item(frozen, 5, 16, "merged from NET-3")
    assert changes(frozen) == {"NET-3": ("removed", "merged", ("NET-3",), ("NET-5",), True)}
    assert frozen.figures()["removed_by_split"] == 1
    assert "scope-removed" not in codes(frozen)
    item(frozen, 5, 12, "merged from NET-3")
    assert "scope-removed" in codes(frozen)


def test_without_points_the_estimates_tell_and_without_both_nothing_does(frozen):
    item(frozen, 3, None, "split to NET-20", estimate_s=20_000)
    item(frozen, 20, None, estimate_s=16_000)
    assert changes(frozen)["NET-20"][-1] is True
    item(frozen, 20, None, estimate_s=16_001)
    assert changes(frozen)["NET-20"][-1] is False
    item(frozen, 20, None, estimate_s=None)
    assert changes(frozen)["NET-20"] == ("added", "split", ("NET-3",), ("NET-20",), None)
    assert "scope-added-unapproved" in codes(frozen)


def test_sizes_of_0_tell_nothing(frozen):
    record(frozen, points=0)
    item(frozen, 3, 0, "split to NET-20", estimate_s=20_000)
    item(frozen, 20, 0, estimate_s=16_000)
    assert changes(frozen)["NET-20"][-1] is True  # 20,000 + 16,000 s of 36,000
    item(frozen, 20, 0, estimate_s=16_001)
    assert changes(frozen)["NET-20"][-1] is False
    record(frozen, points=0, estimate_s=None)
    assert changes(frozen)["NET-20"][-1] is None
    assert "scope-added-unapproved" in codes(frozen)
    record(frozen, points=8, estimate_s=0)
    assert changes(frozen)["NET-20"][-1] is None  # parts of 0 points are not estimated


def test_a_baseline_of_a_day_froze_no_sizes(frozen, at):
    frozen.options["baselines"] = ()
    frozen.setup["baseline_on"] = BASELINE
    item(frozen, 20, 0, "split from NET-3", created_at=at("2026-03-02T09:00"))
    assert changes(frozen)["NET-20"] == ("added", "split", ("NET-3",), ("NET-20",), None)


def test_a_part_of_a_part_belongs_to_the_whole(frozen):
    item(frozen, 3, 2, "split to NET-20")
    item(frozen, 20, 2, "split to NET-21")
    item(frozen, 21, 4)
    assert [changes(frozen)[k][-1] for k in ("NET-20", "NET-21")] == [True, True]
    item(frozen, 21, 5)
    assert [changes(frozen)[k][-1] for k in ("NET-20", "NET-21")] == [False, False]


def test_parts_of_an_approved_addition_are_approved_with_it(frozen):
    frozen.add(ChangeRequest, "c", number="CR-1", title="More", status="approved")
    item(frozen, 20, 5, "split to NET-21", labels=("CR-1",))
    item(frozen, 21, 3)
    found = {c.key: (c.by, c.approved_by) for c in frozen.project().scope_changes}
    assert found == {"NET-20": ("", "CR-1"), "NET-21": ("split", "CR-1")}


def test_an_original_that_is_not_known_is_named_by_its_key(frozen):
    item(frozen, 20, 3, "is split from OLD-7")
    assert changes(frozen)["NET-20"] == ("added", "split", ("OLD-7",), ("NET-20",), None)


@pytest.mark.parametrize(
    "link", ["blocks NET-3", "is child of NET-3", "splits hairs with NET-3", "split from NET-20",
             "clones NET-3"],
)  # fmt: skip
def test_other_links_split_nothing(frozen, link):
    item(frozen, 20, 3, link)
    assert changes(frozen)["NET-20"] == ("added", "", (), (), None)
    assert "added_by_split" not in frozen.figures()


def test_each_split_is_explained(frozen):
    item(frozen, 3, 5, "split to NET-20")
    item(frozen, 20, 3)
    item(frozen, 21, 3)
    [part] = explain(frozen.inputs(), "NET", "added_by_split").parts
    assert (part.value, part.note) == (1, "split from NET-3, size kept; needs no approval")
    notes = [p.note for p in explain(frozen.inputs(), "NET", "added").parts]
    assert sorted(notes) == [part.note, "without approval"]
    item(frozen, 20, 4)
    [part] = explain(frozen.inputs(), "NET", "added_by_split").parts
    assert part.note == "split from NET-3, size changed; without approval"


def test_where_nothing_was_split_an_explanation_says_so(frozen):
    item(frozen, 20, 3)
    cancel(frozen, 4)
    for name in ("added_by_split", "removed_by_split"):
        found = explain(frozen.inputs(), "NET", name)
        assert (found.figure.value, found.parts) == (0, ())
        assert found.figure.note == "no item was split or merged since baseline 1 of 2 Feb 2026"
    frozen.options["baselines"] = ()
    found = explain(frozen.inputs(), "NET", "added_by_split")
    assert (found.figure.value, found.figure.reason) == (None, "no baseline is recorded")


numbers = st.integers(0, 24)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(numbers, st.sampled_from(["split to", "split from", "merged into"]), numbers)
    ),
    st.lists(st.integers(0, 20), min_size=25, max_size=25),
    st.sets(numbers),
)
def test_whatever_links_say_the_counts_are_those_of_the_definition(world, said, points, cancelled):
    world = type(world)()
    record(world)
    for number in range(25):
        links = [f"{word} NET-{to}" for of, word, to in said if of == number]
        status = WorkStatus.CANCELLED if number in cancelled else WorkStatus.TODO
        item(world, number, points[number], *links, status=status)
    project = world.project()
    found = {n: f.value for n, f in project.figures.items()}
    added, removed = 15 - len(cancelled - set(range(10))), len(cancelled & set(range(10)))
    assert (found["added"], found["removed"]) == (added, removed)
    assert found["creep"] == 10 * (added - removed)
    for change in ("added", "removed"):
        by = sum(1 for c in project.scope_changes if c.change == change and c.by)
        assert found.get(f"{change}_by_split", 0) == by <= found[change]
    assert all(c.by or c.size_kept is None for c in project.scope_changes)
