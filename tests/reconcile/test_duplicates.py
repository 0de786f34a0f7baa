"""Work that is done twice is found across systems; what only looks alike is left alone."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest

from itpm_sync.model import (
    HelpDeskItem,
    ItemType,
    Person,
    SourceRef,
    TicketStatus,
    WorkItem,
    WorkStatus,
)
from itpm_sync.reconcile.choices import Decision, DuplicateChoices
from itpm_sync.reconcile.duplicates import Basis, Duplicates, duplicates
from itpm_sync.reconcile.likeness import ONE, Ticket, Weights, plain, title_words

END = datetime(2026, 3, 14, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
FILLER = ("alpha bravo", "charlie delta", "echo foxtrot", "golf hotel", "india juliet")


def work(number: int, title: str, *, connection: str = "jira", **fields) -> WorkItem:
    ref = SourceRef(
        connection, "issue", str(number), f"https://{connection}.test/browse/N-{number}"
    )
    fields = {"reporter": "Ana Ruiz", "created_at": MONDAY, "project_key": "NET", **fields}
    return WorkItem(ref=ref, key=f"N-{number}", title=title, **fields)


def desk(number: int, title: str, **fields) -> HelpDeskItem:
    url = f"https://desk.test/Ticket/Display.html?id={number}"
    fields = {"requester": "ana.ruiz@example.org", "created_at": MONDAY, **fields}
    ref = SourceRef("desk", "ticket", str(number), url)
    return HelpDeskItem(ref=ref, key=str(number), title=title, **fields)


def filler() -> list[WorkItem]:
    """Other tickets, so that a word of one title is rare."""
    return [work(900 + i, t, reporter="") for i, t in enumerate(FILLER)]


def search(*records, people=(), **choices) -> Duplicates:
    return duplicates([*records, *filler()], people, DuplicateChoices(**choices), END)


def keys(found: Duplicates) -> list[tuple[str, str]]:
    return [(p.a.record.key, p.b.record.key) for p in found.pairs]


def test_one_request_in_two_systems_is_almost_surely_the_same_work() -> None:
    found = search(
        work(1, "Replace the core switch", remaining_s=7200),
        desk(7, "Core switch: replace!", created_at=MONDAY + timedelta(hours=72)),
    )
    (pair,) = found.pairs
    # 0.6 · 1 + 0.2 · 1 + 0.1 · ½ (no component of the work item) + 0.1 · e^-1
    assert pair.found.score == math.floor(6000 + 2000 + 500 + 1000 * math.exp(-1))
    assert (pair.basis, pair.sure, pair.at_stake_s) == (Basis.ALIKE, False, 7200)


def test_the_cosine_of_two_titles_is_that_of_their_weighted_words() -> None:
    tickets = [_ticket("alpha bravo charlie"), _ticket("alpha bravo delta"), _ticket("alpha echo")]
    weights = Weights(tickets)
    # three titles: alpha in 3, bravo in 2, charlie and delta in 1; weight ln(1 + 3 / n)
    a, b, c = (math.log(1 + 3 / n) ** 2 for n in (3, 2, 1))
    expected = (a + b) / (a + b + c)
    assert weights.likeness(tickets[0].words, tickets[1].words) / ONE == pytest.approx(
        expected, abs=0.001
    )


def _ticket(title: str) -> Ticket:
    record = work(1, title)
    return Ticket(record, True, title_words(title, frozenset()), frozenset(), "", frozenset(), None)


def test_what_is_unknown_on_one_side_counts_half_and_another_requester_nothing() -> None:
    unknown = search(work(1, "Replace core switch", reporter=""), desk(7, "Replace core switch"))
    other = search(work(1, "Replace core switch", reporter="Tom"), desk(7, "Replace core switch"))
    assert unknown.pairs[0].found.score == 6000 + 1000 + 500 + 1000
    assert other.pairs[0].found.score == 6000 + 0 + 500 + 1000
    assert unknown.pairs[0].found.asked is None


def test_a_person_record_joins_the_name_of_one_system_and_the_address_of_the_other() -> None:
    person = Person(ref=SourceRef("f", "p", "1"), name="Ana Ruiz", email="ar@example.org")
    items = (
        work(1, "Replace core switch"),
        desk(7, "Replace core switch", requester="ar@example.org"),
    )
    assert search(*items).pairs[0].found.asked == 0
    assert search(*items, people=[person]).pairs[0].found.asked == ONE


def test_components_that_differ_count_within_a_system_only() -> None:
    a = work(1, "Replace core switch", components=("LAN",))
    b = work(2, "Replace core switch", components=("WAN",))
    assert search(a, b).pairs[0].found.about == 0
    assert (
        search(a, desk(7, "Replace core switch", category="Hardware")).pairs[0].found.about is None
    )
    assert search(a, desk(7, "Replace core switch", category="lan")).pairs[0].found.about == ONE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Weekly meeting", "Weekly meeting"),
        ("", ""),
        ("   ", "!!!"),
        ("2026 03", "2026 03"),
        ("Patch server 12 in hall", "Patch server 13 in hall"),
        ("Weekly status of network 2026-03-02", "Weekly status of network 2026-03-09"),
    ],
)
def test_titles_that_name_nothing_or_another_number_are_no_duplicates(
    first: str, second: str
) -> None:
    assert search(work(1, first), desk(7, second)).pairs == ()


def test_a_title_that_many_tickets_share_names_none_of_them() -> None:
    same = [desk(n, "Printer prints blank pages", requester=f"u{n}@x") for n in range(6)]
    found = search(*same, work(1, "Printer prints blank pages"))
    assert (found.pairs, found.recurring) == ((), 7)
    assert search(*same, recurring_after=6).pairs != ()


def test_case_accents_scripts_and_invisible_characters_do_not_hide_a_duplicate() -> None:
    for first, second in (
        ("Réseau du siège à étendre", "RESEAU du SIEGE a etendre"),
        ("Caf\u00e9 Wi-Fi erweitern", "Cafe\u0301 wi\u200b-fi ERWEITERN"),
        ("更换核心交换机", "更换核心交换机！"),
        ("Заменить коммутатор", "ЗАМЕНИТЬ коммутатор"),
    ):
        assert keys(search(work(1, first), desk(7, second))) == [("7", "N-1")], first


def test_a_very_long_title_is_compared_by_its_beginning() -> None:
    long = "Replace core switch " + " ".join(f"w{n}x" for n in range(200_000))
    found = search(work(1, long), desk(7, long))
    assert len(found.pairs) == 1
    assert len(found.pairs[0].a.words) == 40


def test_a_link_that_says_duplicate_needs_no_likeness() -> None:
    found = search(
        work(1, "Replace core switch"), work(2, "Quite another", links=("duplicates N-1",))
    )
    assert [(p.basis, p.sure) for p in found.pairs] == [(Basis.LINKED, True)]


def test_tickets_that_are_linked_otherwise_are_known_to_be_two() -> None:
    a = work(1, "Replace core switch")
    b = work(2, "Replace core switch", links=("clones N-1",))
    assert search(a, b).pairs == ()
    assert len(search(a, work(2, "Replace core switch")).pairs) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"links": ("https://jira.test/browse/N-1",)},
        {"links": ("see HTTPS://JIRA.TEST/browse/N-1/.",)},
        {"attributes": {"tracked_in": "N-1"}},
        {"title": "N-1: new switch for core"},
    ],
)
def test_a_ticket_that_names_one_with_a_like_title_is_its_duplicate(fields) -> None:
    given = {"title": "New switch for core", "requester": "", "created_at": None, **fields}
    ticket = desk(7, **given)
    found = search(work(1, "Replace core switch"), ticket)
    assert [(p.basis, p.sure) for p in found.pairs] == [(Basis.NAMED, True)]
    unlike = desk(7, **{**given, "title": given["title"].replace("switch for core", "chair N-1")})
    assert search(work(1, "Replace core switch"), unlike).pairs == ()


def test_an_address_in_another_form_is_known_by_its_host_and_number() -> None:
    link = "https://desk.test/REST/2.0/ticket/7"
    item = work(1, "Switch of the core", reporter="", created_at=None, links=(link,))
    assert [p.basis for p in search(item, desk(7, "Core switch replace")).pairs] == [Basis.NAMED]
    other = work(1, "Switch of the core", reporter="", created_at=None, links=("https://x.test/7",))
    assert search(other, desk(7, "Core switch replace")).pairs == ()


def test_parent_and_child_epic_and_story_are_no_duplicates() -> None:
    epic = work(1, "Replace core switch", type=ItemType.EPIC)
    assert search(epic, work(2, "Replace core switch", epic="N-1")).pairs == ()
    assert search(epic, work(2, "Replace core switch", parent="1")).pairs == ()


def test_a_series_entered_at_one_sitting_is_left_alone_but_a_double_entry_is_found() -> None:
    north = work(1, "Survey wireless coverage plant north building")
    south = work(2, "Survey wireless coverage plant south building")
    assert search(north, south).pairs == ()
    shorter = "Survey wireless coverage plant north"
    assert search(north, work(2, shorter)).pairs == ()
    later = work(2, shorter, created_at=MONDAY + timedelta(hours=2))
    assert len(search(north, later).pairs) == 1
    assert len(search(north, work(2, north.title)).pairs) == 1


def test_one_persons_titles_with_other_telling_words_are_a_series() -> None:
    plan = [
        work(n, f"Implement {part} functionality now", created_at=MONDAY + timedelta(days=n))
        for n, part in enumerate(("clipboard", "camera", "calendar"))
    ]
    assert search(*plan, suggest=0.5).pairs == ()
    others = [work(i.ref.source_id, i.title, reporter="") for i in plan]
    assert search(*others, suggest=0.5).pairs != ()


def test_a_search_that_is_switched_off_compares_nothing() -> None:
    found = search(work(1, "Replace core switch"), desk(7, "Replace core switch"), search=False)
    assert found == Duplicates()


def test_what_is_closed_counts_while_the_other_is_open_and_for_some_time() -> None:
    title = "Replace core switch"
    done = {"status": WorkStatus.DONE}
    lately = work(1, title, resolved_at=END - timedelta(days=90), **done)
    long_ago = work(1, title, resolved_at=END - timedelta(days=91), **done)
    dropped = work(1, title, resolved_at=END - timedelta(days=1), status=WorkStatus.CANCELLED)
    assert len(search(lately, desk(7, title)).pairs) == 1
    assert search(long_ago, desk(7, title)).pairs == ()
    assert search(dropped, desk(7, title)).pairs == ()
    closed = desk(7, title, status=TicketStatus.CLOSED, resolved_at=END - timedelta(days=1))
    assert search(lately, closed).pairs == ()


def test_an_incident_that_comes_again_after_it_was_closed_is_no_duplicate() -> None:
    first = desk(7, "Printer in hall jams", status=TicketStatus.RESOLVED,
                 resolved_at=MONDAY + timedelta(days=1))  # fmt: skip
    again = desk(8, "Printer in hall jams", created_at=MONDAY + timedelta(days=2))
    meanwhile = desk(8, "Printer in hall jams", created_at=MONDAY + timedelta(hours=20))
    assert search(first, again).pairs == ()
    assert len(search(first, meanwhile).pairs) == 1


def test_a_decision_stays_rejected_pairs_are_silent_confirmed_ones_until_one_is_closed() -> None:
    a, b = work(1, "Replace core switch"), desk(7, "Replace core switch")
    rejected = Decision(pair=(b.id, a.id), same=False, author="Tom")
    assert search(a, b, decisions=(rejected,)).pairs == ()
    unlike = desk(7, "Something else entirely")
    confirmed = Decision(pair=(a.id, b.id), same=True, author="Tom", on=date(2026, 3, 9))
    (pair,) = search(a, unlike, decisions=(confirmed,)).pairs
    assert (pair.basis, pair.decision, pair.sure) == (Basis.CONFIRMED, confirmed, True)
    closed = desk(7, a.title, status=TicketStatus.CLOSED, resolved_at=END - timedelta(days=1))
    assert search(a, closed, decisions=(confirmed,)).pairs == ()


def test_copies_of_a_template_are_told_as_one_series_not_pair_by_pair() -> None:
    titles = ("Order firewall cluster", "Rack firewall shelf", "Approve rule base")
    copies = [
        work(10 * copy + n, title, epic=f"EPIC-{copy}", created_at=MONDAY + timedelta(days=copy))
        for copy in (1, 2)
        for n, title in enumerate(titles)
    ]
    found = search(*copies)
    assert found.pairs == ()
    assert [(s.between, len(s.pairs)) for s in found.series] == [(("EPIC-1", "EPIC-2"), 3)]
    assert len(search(*copies[:2], *copies[3:]).pairs) == 2


def test_a_block_that_is_too_large_is_capped_by_time_and_said_to_be() -> None:
    items = [
        work(n, f"zebra quagga item{n}", created_at=MONDAY + timedelta(minutes=90 * n), reporter="")
        for n in range(30)
    ]
    found = duplicates(items, (), DuplicateChoices(block_limit=10, suggest=0.5), END)
    assert all(c.compared_with == 10 and c.tickets > 10 for c in found.capped)
    assert {c.word for c in found.capped} <= {"zebra", "quagga"}


def test_the_search_by_rare_words_misses_no_pair_that_comparing_all_would_find() -> None:
    chance = random.Random(5)  # noqa: S311
    vocabulary = [f"{a}{b}word" for a in "abcdefgh" for b in "klmnop"]
    items = [
        work(n, " ".join(chance.sample(vocabulary, chance.randint(2, 5))), reporter=f"P{n % 3}",
             created_at=MONDAY + timedelta(hours=n))
        for n in range(250)
    ]  # fmt: skip
    every = DuplicateChoices(block_limit=1000, recurring_after=1000, series_after=1000)
    found = {p.key: p.found.score for p in duplicates(items, (), every, END).pairs}
    seen = Counter(w for i in items for w in i.title.split())
    weight = {w: round(1000 * math.log(1 + len(items) / n)) ** 2 for w, n in seen.items()}
    brute = {
        tuple(sorted((a.id, b.id))): score
        for a, b in combinations(items, 2)
        if (score := _score_by_the_formula(a, b, weight)) >= every.suggest * ONE
    }
    assert found == brute
    assert found


def _score_by_the_formula(a: WorkItem, b: WorkItem, weight: dict[str, int]) -> int:
    first, second = (frozenset(i.title.split()) for i in (a, b))
    shared, *norms = (sum(weight[w] for w in words) for words in (first & second, first, second))
    title = math.isqrt(shared**2 * ONE**2 // (norms[0] * norms[1]))
    apart = abs((a.created_at - b.created_at).total_seconds())
    asked = ONE * (a.reporter == b.reporter)
    heaviest = [max((weight[w] for w in ws), default=0) for ws in (first - second, second - first)]
    series = apart <= 3600 or min(heaviest) > max((weight[w] for w in first & second), default=0)
    if asked and first != second and series:
        return 0  # entered as two by one person
    return (6 * title + 2 * asked + ONE // 2 + round(ONE * math.exp(-apart / 259_200))) // 10


def test_the_order_of_the_records_changes_nothing() -> None:
    chance = random.Random(7)  # noqa: S311
    items = [
        *(work(n, f"Replace core switch {'abc'[n % 3] * 3}", created_at=MONDAY + timedelta(days=n))
          for n in range(9)),
        *(desk(n, f"Core {'abc'[n % 3] * 3} switch replace") for n in range(50, 59)),
    ]  # fmt: skip
    first = search(*items)
    for _ in range(5):
        chance.shuffle(items)
        assert _told(search(*items)) == _told(first)
    assert first.pairs


def _told(found: Duplicates):
    return [(p.key, p.basis, p.found) for p in found.pairs], [s.between for s in found.series]


def test_findings_name_both_tickets_the_score_the_effort_and_what_to_do(world) -> None:
    world.options["data_date"] = date(2026, 3, 13)
    for item in (
        work(1, "Replace core switch", remaining_s=5400),
        desk(7, "Replace core switch", project_key="NET"),
        *filler(),
    ):
        world.records.setdefault(item.kind, []).append(item)
    (found,) = world.findings("duplicate-work")
    assert found.project == "NET"
    assert found.subject == "desk:ticket:7+jira:issue:1"
    assert found.message == (
        "desk 7 “Replace core switch” and jira N-1 “Replace core switch” are almost surely the "
        "same work: score 0.95 (title 1.00, requester 1.00, component n/a, time 1.00). "
        "Effort at stake: 1.5 h remaining"
    )
    assert '{pair: ["desk:ticket:7", "jira:issue:1"], verdict: rejected, author: …}' in found.action
    assert [e.url for e in found.evidence] == [
        "https://desk.test/Ticket/Display.html?id=7", "https://jira.test/browse/N-1",
    ]  # fmt: skip


def test_pairs_beyond_the_list_are_counted_in_one_finding(world) -> None:
    world.options["duplicates"] = DuplicateChoices(listed=1)
    for n, title in enumerate(FILLER):
        for item in (work(n, title), desk(100 + n, title)):
            world.records.setdefault(item.kind, []).append(item)
    assert len(world.findings("duplicate-work")) == 1
    (limited,) = world.findings("duplicate-search-limited")
    assert "4 pairs of lower score are not listed one by one" in limited.message


def test_plain_text_has_one_form() -> None:
    assert plain("Ｃａｆé ﬁn") == plain("cafe\u0301 fin")
