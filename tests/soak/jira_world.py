"""A busy Jira site and a store that is pulled from it: the real engine and the real connector over
loopback HTTP. Nobody really sleeps, and a run can be killed at any write or request.
"""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import connectors.jira.client
import connectors.jira.connector
import connectors.jira.sandbox_render
import itpm_sync.http.answer
import itpm_sync.http.client
from connectors.jira.connector import JiraConnector
from connectors.jira.publish import JiraPublisher
from connectors.jira.settings import JiraSettings
from itpm_sync.app.publishing import Outbox
from itpm_sync.connector import Connector, Context, StatusMessage, Target
from itpm_sync.http import RateBudget
from itpm_sync.mapping import Mapper, compile_mapping
from itpm_sync.publish import Action, State, publish
from itpm_sync.pull import PullResult, PullSource, pull
from itpm_sync.store import Store
from tests.soak.busy_site import CONFIGURED, START, BusySite
from tests.soak.issues import Issues, issues_in
from tests.soak.killing import Killed, killing
from tests.soak.meddling import Event


@functools.cache
def empty_store() -> bytes:
    """A migrated SQLite store, to be copied: faster than migrating one for every example."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        Store.open(f"sqlite:///{path}").close()
        return path.read_bytes()


@functools.cache
def _mapper(variables: tuple[tuple[str, str], ...]) -> Mapper:
    mapping = yaml.safe_load(JiraConnector.mapping_file.read_text())
    return compile_mapping(mapping, dict(variables), "mapping.yaml")


def shipped_mapper(connector: JiraConnector) -> Mapper:
    """The mapping that ships with the connector, for its fields; made once, as runs are many."""
    return _mapper(tuple(sorted(connector.variables().items())))


class JiraWorld:
    """A site, a store, and runs between them; after each, what must hold is checked."""

    def __init__(self, flavour: str, skew: timedelta = timedelta(0)) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "store.db"
        self._path.write_bytes(empty_store())
        self.store = self._open()
        self._patch = pytest.MonkeyPatch()
        self._make_small()
        self._ticks = 0.0
        self.site = BusySite(flavour, Path(self._folder.name), skew)
        self.wanted = ""  # the status that was published last
        self.persons_text: Any = None  # what somebody made of our comment; "": deleted it

    def close(self) -> None:
        """Ends everything."""
        self.store.close()
        self.site.sandbox.stop()
        self._patch.undo()
        self._folder.cleanup()

    def _open(self) -> Store:
        return Store.open(f"sqlite:///{self._path}")

    def _make_small(self) -> None:
        """Small pages, so that a few issues cross every limit; and a clock that we own."""
        world = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return world.site.now.astimezone(tz)

        for module, name, value in (
            (connectors.jira.client, "LIST_PAGE", 3),
            (connectors.jira.client, "_OFFSET_PAGE", 3),
            (connectors.jira.client, "RESULT_WINDOW", 9),
            (connectors.jira.client, "_PART", 8),
            (connectors.jira.connector, "BULK", 3),
            (connectors.jira.sandbox_render, "INLINE_WORKLOGS", 2),
            (itpm_sync.http.answer, "datetime", Clock),
            (itpm_sync.http.client, "datetime", Clock),
        ):
            self._patch.setattr(module, name, value)

    def _sleep(self, seconds: float) -> None:
        self._ticks += seconds

    # ---- running

    def connector(self, *, hasty: bool = False) -> JiraConnector:
        """A fresh connector whose waiting costs no time."""
        given = {k: v for k, v in self.site.sandbox.configuration().items() if k != "connector"}
        auth = {"token": self.site.sandbox.token}
        if self.site.sandbox.cloud:
            auth["email"] = self.site.sandbox.email
        settings = JiraSettings.model_validate(
            {**given, "auth": auth, "projects": CONFIGURED, "sprints": "auto"}
        )
        made = JiraConnector("jira", settings, Context(Path(), connections=4, attempts=3))
        http = made._http
        http.budget = RateBudget(clock=lambda: self._ticks, sleep=self._sleep)
        http._sleep = self._sleep
        http._timeout = (5.0, 0.15 if hasty else 30.0)
        return made

    def run(
        self,
        events: Mapping[int, Event] = {},
        kill: tuple[str, int] | None = None,
        *,
        threads: bool = False,
        **options: bool,
    ) -> PullResult | None:
        """A pull that meets events and may be killed (then None)."""
        self.site.wait(timedelta(seconds=61))
        steady = self.site.steady()
        live, absent = self._live(), self.absent()

        def job(connector: JiraConnector) -> PullResult:
            def opened(_known: Any) -> tuple[Connector, Mapper]:
                return connector, shipped_mapper(connector)

            run = self.store.begin_run("pull", self.site.now)
            result = pull(
                self.store, [PullSource("jira", opened, connections=3)], run=run, now=self.site.now,
                inline=not threads, pause=self._sleep, **options,
            )  # fmt: skip
            self.store.finish_run(run, state=result.state, now=self.site.now)
            return result

        result = self._guarded(job, events, kill)
        if not any(isinstance(event, tuple) for event in events.values()):
            lost = live & steady - self._live()
            assert not lost, f"the run marked what was there all along: {sorted(lost)}"
            if "403" not in events.values():
                self._check_causes({i: c for i, c in self.absent().items() if absent.get(i) != c})
        return result

    def publish(
        self,
        status: str,
        events: Mapping[int, Event] = {},
        kill: tuple[str, int] | None = None,
        *,
        take_over: bool = False,
    ) -> Mapping[str, Action]:
        """Publishes a status in every field; gives what was done, nothing if it was killed."""
        self.site.wait(timedelta(seconds=61))
        self.wanted, self.site.published = status, bool(status)
        targets = [
            Target("jira", "NET", str(self.site.status_issue), f) for f in JiraPublisher.fields
        ]
        message = StatusMessage(
            project="NET", name="Network", data_date=START.date(), rating="amber", reason=status,
            previous_rating=None, ratings=(), figures=(), findings=(), findings_total=0,
            report_url=f"https://reports.example/{status}.html",
        )  # fmt: skip

        def job(connector: JiraConnector) -> Mapping[str, Action]:
            publisher = connector.publisher()
            assert publisher is not None
            result = publish(
                [(target, publisher, message) for target in targets], Outbox(self.store),
                clock=lambda: self.site.now, take_over=[t.id for t in targets] if take_over else (),
            )  # fmt: skip
            return {step.target.field: step.action for step in result.steps}

        done = self._guarded(job, events, kill)
        comments = self.site.our_comments()
        assert len(comments) <= 1, "a comment was doubled"
        acted = (Action.CREATE, Action.UPDATE, Action.ADOPT)
        if take_over and done and done["comment"] in acted:
            self.persons_text = None
        elif self.persons_text is not None:
            assert [c["body"] for c in comments] == (
                [self.persons_text] if self.persons_text else []
            ), "a person's edit was overwritten"
        return done or {}

    def _guarded(
        self,
        job: Callable[[JiraConnector], Any],
        events: Mapping[int, Event],
        kill: tuple[str, int] | None,
    ) -> Any:
        """Runs a job; killed, the store is opened again as the next process would."""
        connector = self.connector(hasty=any("timeout" in e for e in events.values()))
        self.site.sandbox.meet(events, self.site.apply)
        try:
            with killing(self.store, connector, *kill) if kill else nullcontext():
                return job(connector)
        except Killed:
            self.store.close()
            self.store = self._open()
            return None
        finally:
            connector.close()
            self.site.sandbox.meet({}, self.site.apply)

    def person_edits_comment(self, *, delete: bool) -> None:
        """Somebody changes or deletes our comment, if there is one. A deleted one that we never
        saw (its writing was cut off) may be written again: nothing tells it from a lost write."""
        target = Target("jira", "NET", str(self.site.status_issue), "comment")
        entry = Outbox(self.store).outbox_entry(target)
        unseen = entry and entry.standing is None and entry.state is not State.CONFLICT
        text = self.site.change_our_comments(delete=delete)
        if text is not None:
            self.persons_text = None if delete and unseen else text

    # ---- what is stored, and what must hold

    def _live(self, stream: str = "issue") -> set[str]:
        raws = self.store.raw_records("jira")
        return {r.raw.source_id for r in raws if r.stream == stream and r.absent is None}

    def absent(self) -> dict[tuple[str, str], str]:
        """Why records are absent, by stream and id."""
        raws = self.store.raw_records("jira")
        return {(r.stream, r.raw.source_id): r.absent for r in raws if r.absent is not None}

    def _check_causes(self, absent: Mapping[tuple[str, str], str]) -> None:
        """What a run says of records that it marked is true, and no more than Jira told it."""
        for (stream, ident), cause in absent.items():
            there = {"issue": self.site.project_of, "sprint": self.site.board_of}[stream](ident)
            if cause == "hidden":
                assert there is None, f"{stream} {ident} can be seen"
            else:
                assert cause == "moved", f"{stream} {ident}: nobody said that it is {cause}"
                assert there is not None, f"{stream} {ident} cannot be seen"
                assert not there & {*CONFIGURED}, f"{stream} {ident} is still in {there}"

    def stored(self) -> Issues:
        """What the store holds, alike."""
        found = issues_in(self.store)
        assert found.keys() == self._live(), "every live raw record has its row, and only these"
        return found

    def settle(self) -> None:
        """No faults, an index that has caught up: one undisturbed run makes the store equal, after
        a restored backup one that reads everything."""
        self.site.sandbox.set_index_lag(0)
        self.site.wait(timedelta(minutes=6))
        if self.site.sandbox.state.denied:
            self._settle_refused()
        hidden = [k for k in CONFIGURED if self.site.sandbox.state.projects[k].get("hidden")]
        if hidden:
            self._settle_visible([k for k in CONFIGURED if k not in hidden])
            for key in hidden:
                self.site.sandbox.hide_project(key, hidden=False)
        before = {stream: self._live(stream) for stream in ("issue", "sprint")}
        result = self.run(sweep=True, full=self.site.restored)
        assert result is not None
        if result.state == "safety_stop":
            for stream in result.connections[0].streams:  # the others are swept all the same
                if stream.safety_stop:
                    live = self._live(stream.stream)
                    assert before[stream.stream] <= live, "a safety stop marks nothing"
            result = self.run(sweep=True, full=self.site.restored, confirm=True)
            assert result is not None
        assert self.stored() == self.site.source()
        assert self._live("sprint") == self.site.sprints()
        held = Counter(issue["project"] for issue in self.site.source().values())
        assert result.state == ("ok" if len(held) == len(CONFIGURED) else "partial"), result.message
        for proof in self.store.coverage():
            if proof.stream == "issue" and not held[proof.scope]:
                assert not proof.complete, "an empty project is not proved"
                continue
            assert proof.complete, proof
            if proof.stream == "issue":
                assert proof.stored == held[proof.scope]
        assert not self.store.rejected()
        self.site.restored = False

    def _settle_refused(self) -> None:
        """Boards that are refused are not boards that are gone."""
        before = self._live("sprint")
        result = self.run(sweep=True, full=self.site.restored)
        assert result is not None
        assert self._live("sprint") == before, "nothing is concluded from a refusal"
        assert not before or result.state != "ok", "and it is told"
        self.site.sandbox.deny()

    def _settle_visible(self, scopes: Sequence[str]) -> None:
        """A project that cannot be asked is told; nothing of it is marked, and the others are
        read."""
        before = self._live()
        result = self.run(sweep=True, full=self.site.restored)
        assert result is not None
        assert result.state != "ok"
        assert before <= self._live(), "nothing is concluded while a project cannot be asked"
        stored = self.stored()
        for ident, issue in self.site.source(scopes).items():
            assert stored[ident] == issue
        for proof in self.store.coverage():
            if proof.stream == "issue" and proof.scope not in scopes:
                assert not proof.complete

    def settle_published(self) -> None:
        """A quiet publish leaves what is wanted, or what a person made of it."""
        project = self.site.sandbox.state.project_of(
            self.site.sandbox.state.issues[self.site.status_issue]
        )
        project["hidden"] = self.site.sandbox.state.issues[self.site.status_issue].hidden = False
        done = self.publish(self.wanted)
        assert set(done.values()) <= {*Action} - {Action.FAILED}
        if self.persons_text is not None:
            return
        assert Action.CONFLICT not in done.values(), done
        assert set(self.publish(self.wanted).values()) == {Action.SKIP}
        document = self.site.sandbox.state.issues[self.site.status_issue].document()
        (comment,) = self.site.our_comments()
        assert self.wanted in str(comment["body"])
        assert document["properties"]["itpm-sync.status"]["reason"] == self.wanted
        (link,) = document["remotelinks"]
        assert self.wanted in link["object"]["url"]
