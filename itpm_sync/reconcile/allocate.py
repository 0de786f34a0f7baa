"""Which project and work package each record belongs to, and the rule that says so.

Project and package are decided one after the other, each by the first that can say it:

1. the configured rules, in their order;
2. a time entry's item, wherever that was placed;
3. the record's own `project_key` or `work_package`, where it is a code of ours (ignoring case);
4. for a work item's package: a fix version of a package's code or name;
5. what the record hangs on: an item on its parent, then its epic; an invoice line on its order
   line, then its contract; an order line on its contract; a receipt on its order line; a payment
   on its invoice.

Where several packages are possible (an item with three fix versions) the one with the earliest
planned finish takes it, so that each record counts once. What nothing places is unallocated: it is
shown, and where at least the project is known it is in that project's totals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar, cast

from itpm_sync.model import (
    Contract,
    InvoiceLine,
    ItemType,
    OrderLine,
    Payment,
    Receipt,
    Record,
    TimeEntry,
    WorkItem,
    WorkPackage,
)
from itpm_sync.reconcile.folding import fold
from itpm_sync.reconcile.inputs import Element, Inputs, ProjectSetup, Rule
from itpm_sync.reconcile.rules import CompiledRule, targets_of

R = TypeVar("R", bound=Record)

PLACED_KINDS = (
    "work_package", "contract", "order_line", "work_item", "help_desk_item", "time_entry",
    "receipt", "invoice_line", "payment", "milestone", "risk", "change_request",
)  # fmt: skip
"""In the order in which they are placed: each may hang on those before it."""

PACKAGE_KINDS = frozenset({"work_item", "time_entry", "order_line", "invoice_line"})
"""Kinds that ought to have a work package, not only a project."""


class Place(NamedTuple):
    """Where a record belongs. `project` and `package` are codes of ours, empty if unallocated."""

    project: str
    package: str
    rule: str


NOWHERE = Place("", "", "")


class Missed(NamedTuple):
    """The first rule that would have placed a record, had its project one of these packages."""

    rule: str
    work_packages: tuple[str, ...]


class Placed(NamedTuple, Generic[R]):
    """A record and its place within a project."""

    record: R
    package: str
    rule: str


@dataclass(frozen=True, slots=True)
class ProjectRecords:
    """The records of one project, by kind, in the order of their identities."""

    kinds: Mapping[str, Sequence[Placed[Record]]]

    def of(self, kind: type[R]) -> Sequence[Placed[R]]:
        """The project's records of a class of the model."""
        return cast("Sequence[Placed[R]]", self.kinds.get(kind.kind, ()))


@dataclass(frozen=True)
class Allocation:
    """The result: records by project code, those of no project by kind, and gone work items."""

    projects: Mapping[str, ProjectRecords]
    gone: Mapping[str, ProjectRecords]
    nowhere: Mapping[str, Sequence[Record]]
    places: Mapping[str, Place]  # by identity, of live work items and help-desk items
    items: ItemIndex
    missed: Mapping[str, Missed]  # by identity, of records that their project has no package for

    def item(self, of: WorkItem, word: str) -> WorkItem | None:
        """What an item of the same connection calls a parent, an epic or a link, live or gone: a
        source id, a key, or the name of an epic.
        """
        return self.items.named(of.ref.connection, word)

    @cached_property
    def read_projects(self) -> frozenset[tuple[str, str]]:
        """Connection and project key of every project that work items were read of."""
        return frozenset((i.ref.connection, i.project_key) for i in self.items.items)

    def home(self, record: Record) -> str:
        """The code of the project that a live record belongs to; empty: none."""
        if record.kind in _ITEMS:
            return self.places.get(record.id, NOWHERE).project
        if record.kind not in self._homes:
            self._homes[record.kind] = {
                p.record.id: code
                for code, found in self.projects.items()
                for p in found.kinds.get(record.kind, ())
            }
        return self._homes[record.kind].get(record.id, "")

    def common_home(self, records: Iterable[Record]) -> str:
        """The project that all of the records belong to; empty: the portfolio."""
        found = {self.home(r) for r in records}
        return found.pop() if len(found) == 1 else ""

    def homes(self, kinds: Iterable[type[Record]]) -> Mapping[str, tuple[str, str]]:
        """Project and package of every record of these kinds that is in a project, by identity."""
        wanted = [kind.kind for kind in kinds]
        return {
            placed.record.id: (code, placed.package)
            for code, found in self.projects.items()
            for kind in wanted
            for placed in found.kinds.get(kind, ())
        }

    @cached_property
    def _homes(self) -> dict[str, dict[str, str]]:
        return {}

    def of(self, project: str) -> ProjectRecords:
        """The live records of a project."""
        return self.projects.get(project, _NONE)

    def gone_from(self, project: str) -> ProjectRecords:
        """The records of a project that their sources deleted."""
        return self.gone.get(project, _NONE)


_NONE = ProjectRecords({})
_ITEMS = frozenset({"work_item", "help_desk_item"})


class _Packages:
    """The packages of one project by code and by name; several candidates → earliest finish."""

    def __init__(self) -> None:
        self._rank: dict[str, tuple[date, str]] = {}
        self._by_word: dict[str, str] = {}
        self._chosen: dict[str, str] = {}

    def add(self, package: WorkPackage) -> None:
        self._chosen.clear()
        self._rank.setdefault(package.code, (package.planned_finish or date.max, package.code))
        self._by_word[fold(package.code)] = package.code
        self._by_word.setdefault(fold(package.name), package.code)

    def add_code(self, code: str, name: str, finish: date | None) -> None:
        self._rank.setdefault(code, (finish or date.max, code))
        self._by_word.setdefault(fold(code), code)
        self._by_word.setdefault(fold(name), code)

    def named(self, word: str) -> str:
        """The code of the package that a code or name means; many records say the same."""
        found = self._chosen.get(word)
        if found is None:
            found = self._chosen[word] = self.choose((word,))
        return found

    def choose(self, candidates: Iterable[str]) -> str:
        found = {self._by_word[w] for c in candidates if (w := fold(c)) in self._by_word}
        return min(found, key=lambda code: self._rank[code]) if found else ""


class ItemIndex:
    """Work items findable as parents and epics; the first goes before the later: live, then gone.

    The indices are made when the first item names another.
    """

    def __init__(self, items: Sequence[WorkItem]) -> None:
        self.items = items

    @cached_property
    def by_id(self) -> Mapping[tuple[str, str], WorkItem]:
        """By connection and source id or key."""
        found: dict[tuple[str, str], WorkItem] = {}
        for item in self.items:
            connection = item.ref.connection
            found.setdefault((connection, item.ref.source_id), item)
            found.setdefault((connection, item.key), item)
        return found

    @cached_property
    def epic_by_name(self) -> Mapping[tuple[str, str], WorkItem]:
        """Epics by connection and title."""
        found: dict[tuple[str, str], WorkItem] = {}
        for item in self.items:
            if item.type is ItemType.EPIC:
                found.setdefault((item.ref.connection, item.title), item)
        return found

    def named(self, connection: str, word: str) -> WorkItem | None:
        """By source id or key, else an epic by its name."""
        found = self.by_id.get((connection, word))
        return found or self.epic_by_name.get((connection, word))


class _Allocator:
    """The indices over one set of inputs; `place` answers for one record."""

    def __init__(
        self, projects: Iterable[ProjectSetup], rules: Iterable[Rule], items: ItemIndex
    ) -> None:
        self._projects = {fold(p.code): p.code for p in projects}
        compiled = [CompiledRule.of(r) for r in rules]
        self._project_rules = [c for c in compiled if c.rule.project]
        self._package_rules = [c for c in compiled if c.rule.work_package]
        self.packages: dict[str, _Packages] = defaultdict(_Packages)
        self.places: dict[str, Place] = {}
        self.missed: dict[str, Missed] = {}
        self._items = items
        self._alike: dict[tuple[Place, str, str], Place] = {}
        self._direct: dict[str, Place] = {}
        self._contracts: dict[str, Place] = {}
        self._orders: dict[tuple[str, str], Place] = {}
        self._invoices: dict[tuple[str, str], Place] = {}

    def place(self, record: Record) -> Place:
        """Where the record belongs; remembered for what hangs on it."""
        place = self._direct_place(record)
        if not (place.project and (place.package or record.kind == "work_package")):
            place = self._follow(place, self._hangs_on(record))
        self._remember(record, place)
        if self.missed and place.project and not place.package:
            self._miss(record)
        return place

    def _miss(self, record: Record) -> None:
        """Where what a record hangs on misses its package, so does the record."""
        leaders: Iterable[str] = ()
        if isinstance(record, TimeEntry):
            leaders = (record.item,)
        elif isinstance(record, WorkItem):
            leaders = (leader.id for leader, _ in self._above(record))
        for leader in leaders:
            if record.id not in self.missed and leader in self.missed:
                self.missed[record.id] = self.missed[leader]

    def _direct_place(self, record: Record) -> Place:
        leader = self.places.get(record.item, NOWHERE) if isinstance(record, TimeEntry) else NOWHERE
        if self._is_judged_alone(record):
            return self._placed(record, leader)
        key = leader, record.project_key, record.work_package
        place = self._alike.get(key)
        if place is None:
            place = self._alike[key] = self._placed(record, leader)
        return place

    def _is_judged_alone(self, record: Record) -> bool:
        """Whether more than the codes that a record names can place it."""
        ruled = bool(self._project_rules or self._package_rules)
        return ruled or record.kind == "work_package" or bool(getattr(record, "versions", ()))

    def _placed(self, record: Record, leader: Place) -> Place:
        project, why = self._project(record, leader)
        if not project:
            return NOWHERE
        if isinstance(record, WorkPackage):
            return Place(project, record.code, why)
        package, how = self._package(record, project)
        if not package and leader.project == project and leader.package:
            package, how = leader.package, "follows its item"
        return Place(project, package, f"{why}; {how}" if how and how != why else why)

    def _project(self, record: Record, leader: Place) -> tuple[str, str]:
        for compiled in self._project_rules:
            if compiled.matches(record):
                for target in targets_of(compiled.rule.project, record):
                    if code := self._projects.get(fold(target)):
                        return code, compiled.rule.name
        if leader.project:
            return leader.project, "follows its item"
        code = self._projects.get(fold(record.project_key), "") if record.project_key else ""
        return code, "project key" if code else ""

    def _package(self, record: Record, project: str) -> tuple[str, str]:
        packages = self.packages.get(project)
        if packages is None:
            return "", ""
        missed: Missed | None = None
        for compiled in self._package_rules:
            rule = compiled.rule
            if compiled.matches(record) and self._aims_at(rule, record, project):
                targets = tuple(targets_of(rule.work_package, record))
                if code := packages.choose(targets):
                    return code, rule.name
                missed = missed or (Missed(rule.name, targets) if targets else None)
        if record.work_package and (code := packages.named(record.work_package)):
            return code, "work package code"
        if isinstance(record, WorkItem) and (code := packages.choose(record.versions)):
            return code, "fix version"
        if missed is not None:
            self.missed[record.id] = missed
        return "", ""

    def _aims_at(self, rule: Rule, record: Record, project: str) -> bool:
        """A rule that names a project places packages of that project only."""
        return not rule.project or any(
            self._projects.get(fold(t)) == project for t in targets_of(rule.project, record)
        )

    def _follow(self, place: Place, leaders: Iterable[tuple[Place, str]]) -> Place:
        for leader, word in leaders:
            if not leader.project or (place.project and leader.project != place.project):
                continue
            if not place.project:
                place = Place(leader.project, leader.package, f"follows its {word}")
            elif leader.package:
                return Place(place.project, leader.package, f"{place.rule}; follows its {word}")
            if place.package:
                return place
        return place

    def _hangs_on(self, record: Record) -> Iterable[tuple[Place, str]]:
        if isinstance(record, WorkItem):
            return self._ancestors(record)
        if isinstance(record, OrderLine):
            return ((self._contracts.get(fold(record.contract), NOWHERE), "contract"),)
        if isinstance(record, Receipt):
            return ((self._order(record.order, record.line), "order line"),)
        if isinstance(record, InvoiceLine):
            return (
                (self._order(record.order, record.order_line), "order line"),
                (self._contracts.get(fold(record.contract), NOWHERE), "contract"),
            )
        if isinstance(record, Payment):
            number = fold(record.invoice)
            exact = self._invoices.get((number, fold(record.vendor)))
            return ((exact or self._invoices.get((number, ""), NOWHERE), "invoice"),)
        return ()

    def _ancestors(self, item: WorkItem) -> Iterable[tuple[Place, str]]:
        for leader, word in self._above(item):
            if leader.id not in self._direct:
                self._direct[leader.id] = self._direct_place(leader)
            yield self._direct[leader.id], word

    def _above(self, item: WorkItem) -> Iterable[tuple[WorkItem, str]]:
        """The parents, then the epic, and theirs; a loop of parents ends where it began."""
        seen, waiting = {item.id}, [item]
        while waiting:
            for leader, word in self._leaders(waiting.pop(0)):
                if leader.id not in seen:
                    seen.add(leader.id)
                    waiting.append(leader)
                    yield leader, word

    def _leaders(self, item: WorkItem) -> Iterable[tuple[WorkItem, str]]:
        connection = item.ref.connection
        if item.parent and (parent := self._items.by_id.get((connection, item.parent))):
            yield parent, "parent"
        if item.epic and (epic := self._items.named(connection, item.epic)):
            yield epic, "epic"

    def _order(self, order: str, line: str) -> Place:
        number = fold(order)
        if not number:
            return NOWHERE
        return self._orders.get((number, fold(line))) or self._orders.get((number, ""), NOWHERE)

    def _remember(self, record: Record, place: Place) -> None:
        if record.kind in _ITEMS:
            self.places[record.id] = place
        elif isinstance(record, Contract):
            self._contracts[fold(record.number)] = place
        elif isinstance(record, OrderLine):
            number = fold(record.order)
            self._orders[number, fold(record.line)] = place
            self._orders[number, ""] = _common(self._orders.get((number, "")), place)
        elif isinstance(record, InvoiceLine):
            for key in ((fold(record.invoice), fold(record.vendor)), (fold(record.invoice), "")):
                self._invoices[key] = _common(self._invoices.get(key), place)


def _common(a: Place | None, b: Place) -> Place:
    """What two lines of one document agree on."""
    if a is None or a == b:
        return b
    if a.project != b.project:
        return NOWHERE
    return Place(b.project, b.package if a.package == b.package else "", b.rule)


def allocate(inputs: Inputs, records: Mapping[str, Sequence[Record]]) -> Allocation:
    """Place every record of `records` (known by the data date), and the work items that are gone.

    `records` are sorted by identity, so that the order in which they came changes nothing.
    """
    gone = sorted(_items(inputs.gone.get("work_item", ())), key=lambda i: i.id)
    items = ItemIndex([*_items(records.get("work_item", ())), *gone])
    allocator = _Allocator(inputs.projects, inputs.rules, items)
    recorded = (b for b in inputs.baselines if b.on <= inputs.data_date)
    for baseline in sorted(recorded, key=lambda b: -b.version):
        for package in baseline.packages:
            if package.element in (Element.UNDISTRIBUTED, Element.RESERVE):
                continue
            allocator.packages[baseline.project].add_code(
                package.code, package.name, package.planned_finish
            )
    projects: dict[str, dict[str, list[Placed[Record]]]] = defaultdict(lambda: defaultdict(list))
    nowhere: dict[str, list[Record]] = defaultdict(list)
    for kind in PLACED_KINDS:
        for record in records.get(kind, ()):
            place = allocator.place(record)
            if not place.project:
                nowhere[kind].append(record)
                continue
            if isinstance(record, WorkPackage):
                allocator.packages[place.project].add(record)
            projects[place.project][kind].append(Placed(record, place.package, place.rule))
    live = dict(allocator.places)
    lost: dict[str, dict[str, list[Placed[Record]]]] = defaultdict(lambda: defaultdict(list))
    for item in gone:
        place = allocator.place(item)
        if place.project:
            lost[place.project]["work_item"].append(Placed(item, place.package, place.rule))
    return Allocation(
        {code: ProjectRecords(kinds) for code, kinds in projects.items()},
        {code: ProjectRecords(kinds) for code, kinds in lost.items()},
        nowhere,
        live,
        items,
        allocator.missed,
    )


def _items(records: Iterable[Record]) -> list[WorkItem]:
    return [r for r in records if isinstance(r, WorkItem)]
