"""The contract suite: what every connector promises, as tests of a connector and its source."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import orjson
import pytest
import yaml
from pydantic import BaseModel, SecretStr

from itpm_sync.connector import (
    Connector,
    ConnectorSettings,
    Deletes,
    Fate,
    ListsUnchanged,
    Observed,
    Partition,
    Publisher,
    RawRecord,
    StatusMessage,
    Stream,
    Target,
    TellsWhereabouts,
    Whereabouts,
    Window,
)
from itpm_sync.errors import ConnectionFailed, ItpmError, NotFound
from itpm_sync.mapping import compile_mapping
from itpm_sync.testing.wire import DAMAGES, Wire

HOSTILE_TITLES = (
    '"; DROP TABLE issue; --',
    '=HYPERLINK("http://evil.example")',
    "<script>alert(1)</script>",
    "line one\nline two\ttab",
    "Grüße – 日本語 – 🧨 – \u202eright to left",
    "back\\slash 'single' and \"double\"",
    "{{ 7 * 7 }} ${env:HOME} %s",
)


MARK = "itpm-sync:contract"
STATUS = StatusMessage(
    project="NET", name="Network refresh", data_date=date(2026, 3, 6), rating="amber",
    reason="Cost is 12 % over plan", previous_rating="green",
    ratings=(("cost", "red", "CPI 0.89"), ("time", "green", "")),
    figures=(("CPI", "0.89"), ("EAC", "n/a (nothing earned yet)")),
    findings=HOSTILE_TITLES, findings_total=14, report_url="https://reports.example/net.html",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublishWorld:
    """The hands for what is published.

    `address()` makes a new object to publish to. `written(address, field)` asks the source how
    many texts of ours were put there: objects, or changes where a field has one value only.
    `edit[field](address, observed)` changes the field as a person would; a field that nobody can
    change stands in `fixed` instead, with the reason.
    """

    address: Callable[[], str]
    written: Callable[[str, str], int]
    edit: Mapping[str, Callable[[str, Observed], None]]
    fixed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContractWorld:
    """A connector and the hands that change its source.

    What a source cannot do is None, and `cannot` says why, by the hand's name; so it does for
    `incremental` (a stream that is always read whole), `whereabouts` (a source that could say no
    more than its census) and `wire` (a source that is not asked by HTTP). The suite holds each of
    these words against what the connector declares and does.

    `connector` builds a fresh one. `create(scope, title)` adds a record of `stream` and gives its
    source id; `edit(source_id, title)`, `delete(source_id)`, `move(source_id, scope)` change it,
    `hide(source_id)` takes the right to see it from the connector's account.
    `title_of(raw)` reads the title from a raw record's JSON, `stored(title)` is what the source
    itself makes of one. `offline` builds a connector that reaches no host, `astray` one for a
    scope that does not exist. `stream` is the name of the stream tested; `crosses` is how many
    records cross a page limit of the source (or of its test settings). `secrets` are those that
    the connector was built with.
    """

    connector: Callable[[], Connector]
    stream: str
    create: Callable[[str, str], str]
    title_of: Callable[[Mapping[str, Any]], str]
    offline: Callable[[], Connector]
    astray: Callable[[], Connector]
    edit: Callable[[str, str], None] | None = None
    delete: Callable[[str], None] | None = None
    move: Callable[[str, str], None] | None = None
    hide: Callable[[str], None] | None = None
    publishing: PublishWorld | None = None
    crosses: int = 25
    stored: Callable[[str], str] = str
    secrets: tuple[str, ...] = ()
    cannot: Mapping[str, str] = field(default_factory=dict)

    def needs(self, *names: str) -> None:
        """Skips a test for what the source cannot do, with the declared reason."""
        for name in names:
            if name in self.cannot:
                pytest.skip(f"declared: {self.cannot[name]}")


class ConnectorContract:
    """What every connector promises. Derive, and give the one fixture `world`.

    ```python
    class TestYourSystem(ConnectorContract):
        @pytest.fixture
        def world(self) -> ContractWorld | Iterator[ContractWorld]:
            sandbox = YourSandbox(); url = sandbox.start()
            yield ContractWorld(connector=lambda: …, stream="ticket", create=…, title_of=…, …)
            sandbox.stop()
    ```

    The source may hold records already; the tests only look at what changes.
    """

    @pytest.fixture
    def world(self) -> ContractWorld | Iterator[ContractWorld]:
        """The connector under test and its source."""
        raise NotImplementedError("derive from ConnectorContract and define the fixture `world`")

    @pytest.fixture
    def connector(self, world: ContractWorld) -> Iterator[Connector]:
        """A connector, closed at the end."""
        made = world.connector()
        yield made
        made.close()

    @pytest.fixture
    def wire(self, monkeypatch: pytest.MonkeyPatch) -> Wire:
        """What goes between the connector and its source."""
        return Wire(monkeypatch)

    # ---- shape

    def test_what_is_not_tested_is_declared_with_a_reason_and_true(
        self, world: ContractWorld, connector: Connector, wire: Wire
    ) -> None:
        stream = _stream(connector, world)
        hands = ("edit", "delete", "move", "hide", "publishing")
        with wire.watched():
            read(connector, stream)
        absent = {name for name in hands if getattr(world, name) is None}
        absent |= set() if stream.incremental else {"incremental"}
        absent |= set() if wire.asked else {"wire"}
        absent |= set() if isinstance(connector, TellsWhereabouts) else {"whereabouts"}
        assert set(world.cannot) == absent
        assert all(world.cannot.values())
        assert (connector.publisher() is None) == (world.publishing is None)
        assert (world.delete is None) == (stream.deletes is Deletes.NEVER)
        assert world.move is None or len(stream.scopes) > 1
        assert world.hide is None or isinstance(connector, TellsWhereabouts), (
            "where a record can leave the account's sight, a census cannot tell that it was deleted"
        )

    def test_it_implements_the_whole_interface(self, connector: Connector) -> None:
        assert isinstance(connector, Connector)
        info = connector.info
        assert info.name == info.name.lower()
        assert info.title
        assert info.system
        assert info.verified_against

    def test_unknown_settings_are_refused(self, connector: Connector) -> None:
        assert issubclass(connector.Settings, ConnectorSettings)
        for model in _models(connector.Settings):
            assert model.model_config.get("extra") == "forbid", model
            assert model.model_config.get("frozen") is True, model

    def test_secrets_are_declared_as_such(self, world: ContractWorld, connector: Connector) -> None:
        fields = {
            name: _types(declared.annotation)
            for model in _models(connector.Settings)
            for name, declared in model.model_fields.items()
        }
        words = ("password", "token", "secret")
        bare = [n for n, types in fields.items() if any(w in n for w in words) and str in types]
        assert not bare, f"{bare} must be SecretStr"
        assert any(SecretStr in types for types in fields.values()) == bool(world.secrets)

    def test_the_shipped_mapping_covers_each_stream(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.create(stream.scopes[0], "mapped")
        own = getattr(connector, "mapping", None)
        data = own() if own else yaml.safe_load(connector.mapping_file.read_text("utf-8"))
        mapper = compile_mapping(data, connector.variables())
        assert {s.name for s in connector.streams()} <= set(mapper.streams)
        for raw in read(connector, stream):
            mapped = mapper.apply("contract", stream.name, raw)
            assert mapped.problems == ()
            assert mapped.records

    def test_streams_are_named_once_and_need_no_network(self, world: ContractWorld) -> None:
        made = world.offline()
        names = [stream.name for stream in made.streams()]
        made.close()
        assert world.stream in names
        assert len(names) == len(set(names))

    def test_check_reports_and_never_raises(self, world: ContractWorld) -> None:
        made = world.connector()
        items = list(made.check())
        made.close()
        assert items
        assert all(item.name for item in items)

    @pytest.mark.usefixtures("wire")
    def test_check_of_an_unreachable_host_is_a_line_not_an_exception(
        self, world: ContractWorld
    ) -> None:
        made = world.offline()
        items = list(made.check())
        made.close()
        bad = [item for item in items if not item.ok]
        assert bad
        assert all("\n" not in item.detail for item in bad)

    @pytest.mark.usefixtures("wire")  # repeats without a pause
    def test_an_unreachable_host_fails_with_one_clear_line(self, world: ContractWorld) -> None:
        made = world.offline()
        with pytest.raises(ConnectionFailed) as failure:
            read(made, _stream(made, world))
        assert "\n" not in str(failure.value)
        assert not [secret for secret in world.secrets if secret in str(failure.value)]
        with pytest.raises(ItpmError):
            _census(made, _stream(made, world), _stream(made, world).scopes[0])
        made.close()

    def test_a_scope_that_does_not_exist_is_told_from_an_empty_one(
        self, world: ContractWorld
    ) -> None:
        made = world.astray()
        stream = _stream(made, world)
        assert [item for item in made.check() if not item.ok]
        try:
            found = read(made, stream)
        except ConnectionFailed as error:
            assert "\n" not in str(error)  # noqa: PT017 — or it gives nothing
        else:
            assert found == []
            assert not stream.may_be_empty, "so that the engine reports a scope without records"
        made.close()

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_a_bad_answer_is_one_clear_line_without_a_secret(
        self, world: ContractWorld, wire: Wire, caplog: pytest.LogCaptureFixture, damage: str
    ) -> None:
        world.needs("wire")
        caplog.set_level(logging.DEBUG)
        world.create(_stream(world.connector(), world).scopes[0], "asked for in vain")
        made = world.connector()
        with wire.spoilt(damage):
            with pytest.raises(ItpmError) as failure:
                read(made, _stream(made, world))
            items = list(made.check())
        made.close()
        assert [item for item in items if not item.ok]
        told = [str(failure.value), *(item.detail for item in items)]
        assert not [line for line in told if "\n" in line]
        shown = "\n".join(
            [*told, repr(failure.value), repr(made), repr(vars(made)), repr(items), caplog.text]
        )
        assert not [secret for secret in world.secrets if secret in shown]

    # ---- reading

    def test_every_raw_record_is_well_formed(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.create(stream.scopes[0], "well formed")
        for record in read(connector, stream):
            assert record.source_id
            assert isinstance(orjson.loads(record.body), dict)
            assert record.scope in stream.scopes
            if record.updated_at is not None:
                assert record.updated_at.utcoffset() == timedelta(0)
            assert stream.incremental <= (record.updated_at is not None)

    def test_paging_loses_and_repeats_nothing(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        before = {r.source_id for r in read(connector, stream)}
        made = {world.create(stream.scopes[0], f"record {i}") for i in range(world.crosses)}
        ids = [r.source_id for r in read(connector, stream)]
        assert len(ids) == len(set(ids))
        assert set(ids) == before | made

    def test_a_full_read_the_census_and_the_count_agree(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        for number in range(world.crosses):
            world.create(stream.scopes[number % len(stream.scopes)], f"record {number}")
        records = [r for r in read(connector, stream) if not (r.deleted or r.merged_into)]
        for scope in stream.scopes:
            read_ids = {r.source_id for r in records if r.scope == scope}
            listed = _census(connector, stream, scope)
            assert len(listed) == len(set(listed))
            assert set(listed) == read_ids
            count = connector.count(stream, scope)
            if count is not None and count.exact:
                assert count.value == len(read_ids)

    def test_what_changed_and_what_did_not_are_the_census(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        if not isinstance(connector, ListsUnchanged):
            pytest.skip("lists no part of a census")
        stream = _stream(connector, world)
        for number in range(world.crosses):
            world.create(stream.scopes[number % len(stream.scopes)], f"record {number}")
        stamps = sorted(r.updated_at for r in read(connector, stream) if r.updated_at)
        moments = {stamps[0], stamps[len(stamps) // 2], stamps[-1] + timedelta(days=2)}
        for since in sorted(moments):
            changed = read(connector, stream, since)
            for scope in stream.scopes:
                rest = set(itertools.chain.from_iterable(connector.unchanged(stream, scope, since)))
                own = {
                    r.source_id
                    for r in changed
                    if r.scope == scope and not (r.deleted or r.merged_into)
                }
                assert rest | own == set(_census(connector, stream, scope))
        assert rest, "what is older than the window is listed"
        before = stamps[0] - timedelta(days=2)
        for scope in stream.scopes:
            left = itertools.chain.from_iterable(connector.unchanged(stream, scope, before))
            assert not list(left), "what has changed since is not listed"

    @pytest.mark.parametrize("damage", ["html", "cut"])
    def test_a_census_that_is_cut_short_raises(
        self, world: ContractWorld, connector: Connector, wire: Wire, damage: str
    ) -> None:
        world.needs("wire")
        stream = _stream(connector, world)
        for number in range(world.crosses):
            world.create(stream.scopes[0], f"record {number}")
        made = world.connector()
        with wire.watched():
            whole = _census(made, stream, stream.scopes[0])
        made.close()
        assert len(whole) >= world.crosses
        for first in sorted({0, wire.asked // 2, wire.asked - 1}):
            made = world.connector()
            with wire.spoilt(damage, first), pytest.raises(ItpmError):
                _census(made, stream, stream.scopes[0])
            made.close()

    def test_partitions_that_name_their_ids_read_just_these(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.create(stream.scopes[0], "listed")
        window = Window(None, datetime.now(UTC))
        for partition in connector.partitions(stream, window):
            if partition.ids is not None:
                pages = connector.fetch(stream, partition, window)
                found = {r.source_id for page in pages for r in page.records}
                assert found == set(partition.ids)

    def test_partitions_are_cut_for_the_scopes_asked_for(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        for scope in stream.scopes:
            world.create(scope, f"in {scope}")
        for scope in stream.scopes:
            records = read(connector, replace(stream, scopes=(scope,)))
            assert {r.scope for r in records} == {scope}

    def test_reading_twice_gives_the_same_bytes(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.create(stream.scopes[0], "unchanged")
        first = {r.source_id: (r.body, r.updated_at, r.url) for r in read(connector, stream)}
        second = {r.source_id: (r.body, r.updated_at, r.url) for r in read(connector, stream)}
        assert first == second

    @pytest.mark.parametrize("title", HOSTILE_TITLES)
    def test_hostile_titles_arrive_as_they_are(
        self, world: ContractWorld, connector: Connector, title: str
    ) -> None:
        stream = _stream(connector, world)
        made = world.create(stream.scopes[0], title)
        records = {r.source_id: r for r in read(connector, stream)}
        assert world.title_of(orjson.loads(records[made].body)) == world.stored(title)

    # ---- change

    def test_an_edit_is_found_by_an_incremental_read(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.needs("incremental", "edit")
        assert world.edit is not None
        made = world.create(stream.scopes[0], "before")
        stamp = _one(read(connector, stream), made).updated_at
        world.edit(made, "after")
        found = _one(read(connector, stream, since=stamp), made)
        assert world.title_of(orjson.loads(found.body)) == "after"
        assert found.updated_at is not None
        assert stamp is not None
        assert found.updated_at >= stamp

    def test_the_window_includes_its_first_moment(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.needs("incremental")
        made = world.create(stream.scopes[0], "at the edge")
        stamp = _one(read(connector, stream), made).updated_at
        assert made in {r.source_id for r in read(connector, stream, since=stamp)}

    def test_the_window_leaves_out_what_did_not_change_if_there_are_stamps(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        made = world.create(stream.scopes[0], "old")
        found = read(connector, stream, since=datetime.now(UTC) + timedelta(days=3))
        if stream.incremental:
            assert found == []
        else:  # always read whole
            assert made in {record.source_id for record in found}

    def test_a_deleted_record_leaves_the_census(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.needs("delete")
        assert world.delete is not None
        made = world.create(stream.scopes[0], "short-lived")
        kept = world.create(stream.scopes[0], "kept")
        world.delete(made)
        listed = _census(connector, stream, stream.scopes[0])
        assert kept in listed
        assert made not in listed
        live = {r.source_id for r in read(connector, stream) if not (r.deleted or r.merged_into)}
        assert made not in live

    def test_a_moved_record_keeps_its_identity(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        stream = _stream(connector, world)
        world.needs("move")
        assert world.move is not None
        made = world.create(stream.scopes[0], "moving")
        world.move(made, stream.scopes[1])
        assert _one(read(connector, stream), made).scope == stream.scopes[1]

    def test_a_renamed_record_keeps_its_identity(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("edit")
        assert world.edit is not None
        stream = _stream(connector, world)
        made = world.create(stream.scopes[0], "before")
        world.edit(made, "after")
        found = _one(read(connector, stream), made)
        assert world.title_of(orjson.loads(found.body)) == "after"

    # ---- whereabouts

    def test_whereabouts_name_the_scope_of_what_is_there(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts")
        stream = _stream(connector, world)
        made = [world.create(stream.scopes[0], f"here {i}") for i in range(world.crosses)]
        scopes = dict.fromkeys(made, stream.scopes[0])
        if world.move is not None:
            world.move(made[0], stream.scopes[1])
            scopes[made[0]] = stream.scopes[1]
        found = _whereabouts(connector, stream, made)
        assert found == {i: Whereabouts(Fate.THERE, scope) for i, scope in scopes.items()}

    def test_whereabouts_tell_what_is_deleted_from_what_is_there(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts", "delete")
        assert world.delete is not None
        stream = _stream(connector, world)
        gone, kept = (world.create(stream.scopes[0], title) for title in ("short-lived", "kept"))
        world.delete(gone)
        found = _whereabouts(connector, stream, [gone, kept])
        assert found[gone].fate in (Fate.DELETED, Fate.HIDDEN)
        assert found[kept].fate is Fate.THERE

    def test_what_the_account_may_not_see_is_not_said_to_be_deleted(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts", "hide")
        assert world.hide is not None
        stream = _stream(connector, world)
        made = world.create(stream.scopes[0], "confidential")
        world.hide(made)
        assert made not in _census(connector, stream, stream.scopes[0])
        assert _whereabouts(connector, stream, [made]) == {made: Whereabouts(Fate.HIDDEN)}

    def test_what_is_there_can_be_read_by_its_id(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("whereabouts")
        stream = _stream(connector, world)
        made = [world.create(stream.scopes[0], f"asked for {i}") for i in range(world.crosses)]
        world.create(stream.scopes[0], "not asked for")
        partition = Partition("by id", stream.scopes[0], ids=tuple(made))
        pages = list(connector.fetch(stream, partition, Window(None, datetime.now(UTC))))
        by_id = {r.source_id: r.body for page in pages for r in page.records}
        assert by_id == {
            r.source_id: r.body for r in read(connector, stream) if r.source_id in made
        }

    @pytest.mark.parametrize("damage", ["html", "cut", "500"])
    def test_whereabouts_that_cannot_be_asked_for_raise(
        self, world: ContractWorld, wire: Wire, damage: str
    ) -> None:
        world.needs("whereabouts")
        made = world.offline()
        stream = _stream(made, world)
        ids = [world.create(stream.scopes[0], "asked for in vain")]
        with pytest.raises(ItpmError):
            _whereabouts(made, stream, ids)
        made.close()
        world.needs("wire")
        made = world.connector()
        with wire.spoilt(damage), pytest.raises(ItpmError):
            _whereabouts(made, stream, ids)
        made.close()

    # ---- publishing

    def test_what_is_published_stands_there_as_rendered_and_is_found_again(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        for publisher, target, hands in _targets(world, connector):
            assert publisher.validate_address(target.address) is None
            assert publisher.validate_address("") is not None
            content = publisher.render(target, STATUS)
            assert content == publisher.render(target, STATUS)
            written = _publish(publisher, target)
            assert written.content == content
            # Unchanged: what is observed says so, and looking writes nothing.
            assert publisher.observe(target, MARK, written.remote_id) == written
            assert publisher.observe(target, MARK, None) == written
            assert hands.written(target.address, target.field) == 1

    def test_a_persons_edit_of_a_published_field_is_seen(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        for publisher, target, hands in _targets(world, connector):
            assert (target.field in hands.edit) != bool(hands.fixed.get(target.field))
            if target.field in hands.edit:
                written = _publish(publisher, target)
                hands.edit[target.field](target.address, written)
                now = publisher.observe(target, MARK, written.remote_id)
                assert now.content != written.content

    def test_a_lost_answer_to_a_write_leads_to_no_second_one(
        self, world: ContractWorld, connector: Connector, wire: Wire
    ) -> None:
        """Each answer in turn is lost; the next run looks, and writes only if nothing is there."""
        world.needs("publishing", "wire")
        for number in itertools.count():
            lost = False
            for publisher, target, hands in _targets(world, connector):
                with wire.losing(number):
                    try:
                        _publish(publisher, target)
                    except ItpmError as error:
                        assert "\n" not in str(error)  # noqa: PT017 — it need not raise
                lost = lost or wire.asked > number
                if publisher.observe(target, MARK, None).content is None:
                    _publish(publisher, target)
                now = publisher.observe(target, MARK, None)
                assert now.content == publisher.render(target, STATUS)
                assert hands.written(target.address, target.field) == 1
            if not lost:
                assert number > 1
                break

    def test_publishing_to_what_is_gone_is_not_found(
        self, world: ContractWorld, connector: Connector
    ) -> None:
        world.needs("delete")
        assert world.delete is not None
        for publisher, target, _ in _targets(world, connector):
            world.delete(target.address)
            with pytest.raises(NotFound):
                publisher.observe(target, MARK, None)


def read(connector: Connector, stream: Stream, since: datetime | None = None) -> list[RawRecord]:
    """Everything that a window gives, partition by partition."""
    window = Window(since, datetime.now(UTC))
    return [
        record
        for partition in connector.partitions(stream, window)
        for page in connector.fetch(stream, partition, window)
        for record in page.records
    ]


def _stream(connector: Connector, world: ContractWorld) -> Stream:
    return next(stream for stream in connector.streams() if stream.name == world.stream)


def _one(records: Iterable[RawRecord], source_id: str) -> RawRecord:
    found = [record for record in records if record.source_id == source_id]
    assert len(found) == 1, f"{source_id} was read {len(found)} times"
    return found[0]


def _census(connector: Connector, stream: Stream, scope: str) -> Sequence[str]:
    return list(itertools.chain.from_iterable(connector.census(stream, scope)))


def _whereabouts(
    connector: Connector, stream: Stream, ids: Sequence[str]
) -> Mapping[str, Whereabouts]:
    assert isinstance(connector, TellsWhereabouts)
    return connector.whereabouts(stream, ids)


def _targets(
    world: ContractWorld, connector: Connector
) -> Iterator[tuple[Publisher, Target, PublishWorld]]:
    """Each field that the connector publishes, at an object of its own."""
    world.needs("publishing")
    publisher, hands = connector.publisher(), world.publishing
    assert publisher is not None
    assert hands is not None
    assert publisher.fields == connector.info.publishes
    for name in publisher.fields:
        yield publisher, Target("contract", STATUS.project, hands.address(), name), hands


def _publish(publisher: Publisher, target: Target) -> Observed:
    now = publisher.observe(target, MARK, None)
    assert now.content is None
    return publisher.write(target, publisher.render(target, STATUS), MARK, now)


def _types(annotation: Any) -> frozenset[Any]:
    """An annotation and all that it is made of."""
    inner = (_types(part) for part in get_args(annotation))
    return frozenset({annotation}.union(*inner))


def _models(settings: type[BaseModel]) -> list[type[BaseModel]]:
    """A settings model and those it holds, each once."""
    found = [settings]
    for model in found:
        for declared in model.model_fields.values():
            found += [
                t for t in _types(declared.annotation)
                if isinstance(t, type) and issubclass(t, BaseModel) and t not in found
            ]  # fmt: skip
    return found
