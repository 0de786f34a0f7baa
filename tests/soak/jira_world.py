"""A Jira sandbox that is meddled with, and a store that is pulled from it, on a clock of their own.

`MeddledSandbox` lets something happen at the n-th request from now: a fault of the wire, an answer
that is wrong, or a change by somebody else. `JiraWorld` runs the real engine and the real connector
against it over loopback HTTP; nobody really sleeps, and a run can be killed at any write or
request.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

import connectors.jira.client
import connectors.jira.connector
import connectors.jira.sandbox_render
import itpm_sync.http
from connectors.jira.connector import JiraConnector
from connectors.jira.publish import JiraPublisher
from connectors.jira.sandbox import JiraSandbox
from connectors.jira.sandbox_http import Reply
from connectors.jira.sandbox_state import Issue
from connectors.jira.settings import JiraSettings
from itpm_sync.app.publishing import Outbox
from itpm_sync.connector import Connector, Context, Faults, StatusMessage, Target
from itpm_sync.http import RateBudget
from itpm_sync.mapping import Mapper, compile_mapping
from itpm_sync.model import FieldChange, TimeEntry, WorkItem
from itpm_sync.publish import Action, State, publish
from itpm_sync.pull import PullResult, PullSource, pull
from itpm_sync.store import Store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONFIGURED = ("A", "B")
PROJECTS = (*CONFIGURED, "OUT")
ON_THE_WIRE = (
    "429", "429-date", "500", "503", "timeout-before", "timeout-after", "reset", "truncate",
    "html", "401", "403",
)  # fmt: skip
IN_THE_ANSWER = ("malformed", "repeated token", "higher total", "lower total")
WHEN = ("before", "inside", "after")  # of a transaction of the store

Op = tuple[Any, ...]
Event = str | Op
Issues = dict[str, dict[str, Any]]


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may handle it."""


class MeddledSandbox(JiraSandbox):
    """A sandbox in which something happens at the n-th request from `meet` on."""

    def __init__(self, flavour: str) -> None:
        super().__init__(flavour)
        self._events: dict[int, Event] = {}
        self._act: Callable[[Op], None] = lambda _: None
        self.asked = 0

    def meet(self, events: Mapping[int, Event], act: Callable[[Op], None]) -> None:
        """What happens at which request; `act` carries out changes. An empty plan is quiet."""
        with self._lock:
            self._events, self._act, self.asked = dict(events), act, 0
            self.set_faults(Faults())

    def serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request and what it meets."""
        with self._lock:
            event = self._events.pop(self.asked, None)
            self.asked += 1
            if isinstance(event, tuple):
                self._act(event)
            elif event in ON_THE_WIRE:
                self.set_faults(Faults(fail_next=(event,)))
            reply = super().serve(method, target, headers, body)
            if event in IN_THE_ANSWER and reply.status == 200:
                _damage(event, reply, body)
            return reply


def _damage(how: str, reply: Reply, request: bytes) -> None:
    if how == "malformed":
        reply.body = reply.body[:-1] + b",}"
        return
    answer = orjson.loads(reply.body)
    if not isinstance(answer, dict):
        return
    if how == "repeated token":
        token = answer.get("nextPageToken") or orjson.loads(request or b"{}").get("nextPageToken")
        if token and "nextPageToken" in answer | orjson.loads(request or b"{}"):
            answer |= {"nextPageToken": token, "isLast": False}
    for name in ("total", "count"):
        if isinstance(answer.get(name), int):
            answer[name] = max(answer[name] + (2 if how == "higher total" else -1), 0)
    reply.body = orjson.dumps(answer)


def visible_issues(sandbox: JiraSandbox, scopes: Sequence[str]) -> dict[int, Issue]:
    """The issues of projects that our account may see."""
    state = sandbox.state
    return {
        issue.id: issue
        for issue in state.issues.values()
        if not issue.hidden
        and not state.project_of(issue).get("hidden")
        and issue.key.rpartition("-")[0] in scopes
    }


def issues_at(sandbox: JiraSandbox, scopes: Sequence[str]) -> Issues:
    """What a store should hold of the visible issues, by id, field by field."""
    found = {}
    for issue in visible_issues(sandbox, scopes).values():
        document = issue.document()
        fields = document["fields"]
        logs = fields["worklog"]["worklogs"]
        found[str(issue.id)] = {
            "key": document["key"], "project": fields["project"]["key"],
            "summary": fields["summary"], "status": fields["status"]["name"],
            "spent": fields["timespent"],
            "worklogs": {w["id"]: w["timeSpentSeconds"] for w in logs},
            "changes": Counter(
                (i["field"].casefold(), i["toString"])
                for h in document["history"] for i in h["items"]
            ),
        }  # fmt: skip
    return found


def issues_in(store: Store) -> Issues:
    """What a store holds, alike; nothing twice."""
    found: Issues = {}
    for item in store.records("work_item"):
        assert isinstance(item, WorkItem)
        assert item.ref.source_id not in found
        found[item.ref.source_id] = {
            "key": item.key, "project": item.project_key, "summary": item.title,
            "status": item.source_status, "spent": item.spent_s, "worklogs": {},
            "changes": Counter(),
        }  # fmt: skip
    for entry in store.records("time_entry"):
        assert isinstance(entry, TimeEntry)
        issue, _, ident = entry.ref.source_id.partition("/")
        assert ident not in found[issue]["worklogs"]
        found[issue]["worklogs"][ident] = entry.duration_s
    for change in store.records("field_change"):
        assert isinstance(change, FieldChange)
        issue, _, _ = change.ref.source_id.partition("/")
        found[issue]["changes"][change.field_name.casefold(), change.after] += 1
    return found


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
    """Sandbox, store, clock, and the people who change things."""

    def __init__(self, flavour: str, skew: timedelta = timedelta(0)) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "store.db"
        self._path.write_bytes(empty_store())
        self.store = self._open()
        self._patch = pytest.MonkeyPatch()
        self._make_small()
        self._ticks = 0.0
        self._numbers = itertools.count(1)
        self.wanted = ""
        self.sandbox = MeddledSandbox(flavour)
        self.now, self.skew, self.drift = START, skew, timedelta(0)
        self.restored = False  # from a backup, and not read in full since
        self._set_clock()
        for key in PROJECTS:
            self.sandbox.create_project(key)
        for _ in range(4):
            self.apply(("create", "A"))
            self.apply(("create", "B"))
        self._on_site("back up")
        self.status_issue = next(iter(self.sandbox.state.issues))
        self.sandbox.start()
        self.persons_text: str | None = None  # what somebody made of our comment; "": deleted it

    def close(self) -> None:
        """Ends everything."""
        self.store.close()
        self.sandbox.stop()
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
                return world.now.astimezone(tz)

        for module, name, value in (
            (connectors.jira.client, "LIST_PAGE", 3),
            (connectors.jira.client, "_OFFSET_PAGE", 3),
            (connectors.jira.client, "RESULT_WINDOW", 9),
            (connectors.jira.client, "_PART", 8),
            (connectors.jira.connector, "BULK", 3),
            (connectors.jira.sandbox_render, "INLINE_WORKLOGS", 2),
            (itpm_sync.http, "datetime", Clock),
        ):
            self._patch.setattr(module, name, value)

    # ---- time

    def _set_clock(self) -> None:
        self.sandbox.freeze(self.now + self.skew + self.drift)

    def wait(self, span: timedelta) -> None:
        """Lets time pass on both clocks."""
        self.now += span
        self._set_clock()

    def _sleep(self, seconds: float) -> None:
        self._ticks += seconds

    # ---- what people do

    def apply(self, op: Op) -> None:
        """A change at the source; the issue meant is the n-th of those there are."""
        self.wait(timedelta(seconds=61))
        what, *given = op
        with self.sandbox._lock:
            if what in ("back up", "restore", "set back"):
                self._on_site(what, *given)
            elif what in ("create", "hide project", "show project"):
                self._on_project(what, given[0])
            elif what in ("refuse boards", "permit boards"):
                self.sandbox.deny(*(["JIRA_SOFTWARE"] if what == "refuse boards" else []))
            elif "board" in what or "sprint" in what:
                self._on_board(what, *given)
            else:
                issues = list(self.sandbox.state.issues.values())
                self._on_issue(what, issues[given[0] % len(issues)], *given[1:])

    def _on_site(self, what: str, minutes: int = 0) -> None:
        backup = Path(self._folder.name) / "backup.json"
        match what:
            case "back up":
                self.sandbox.save(backup)
            case "restore" if not self.wanted:  # what was published would be gone with it
                lag = self.sandbox.state.index_lag_s
                self.sandbox.restore(backup)
                self.sandbox.set_index_lag(lag)
                self.restored = True
            case "set back":
                self.skew -= timedelta(minutes=minutes)
                pending = self.sandbox.state.pending
                pending[:] = [(at - 60_000 * minutes, number) for at, number in pending]
        self._set_clock()

    def _on_project(self, what: str, key: str) -> None:
        if what != "create":
            self.sandbox.hide_project(key, hidden=what == "hide project")
            return
        state = self.sandbox.state
        made = self.sandbox.create_issue(key, f"Issue {next(self._numbers)}")
        if state.index_lag_s:  # the sandbox indexes what is new at once; a lagging index does not
            number = state.keys[made]
            state.rows.pop(number)
            state.version += 1
            state._reindex(number)

    def _on_board(self, what: str, given: Any, number: int = 0) -> None:
        state = self.sandbox.state
        sprints = sorted(state.sprints)
        match what:
            case "sprint":
                state.sprint(given, f"Sprint {next(self._numbers)}")
            case "hide board" | "show board":
                state.board(given, scrum=True)["hidden"] = what == "hide board"
            case "move sprint" if sprints:
                board = state.board(given, scrum=True)
                state.sprints[sprints[number % len(sprints)]]["originBoardId"] = board["id"]
            case "delete sprint" if sprints:
                del state.sprints[sprints[given % len(sprints)]]

    def _on_issue(self, what: str, issue: Issue, given: Any = None) -> None:
        sandbox, key = self.sandbox, issue.key
        logs = [w["id"] for w in issue.document()["fields"]["worklog"]["worklogs"]]
        match what:
            case "edit":
                status = ("To Do", "In Progress", "Done", "Cancelled")[given % 4]
                sandbox.edit_issue(key, summary=f"Edit {next(self._numbers)}", status=status)
            case "delete" if issue.id != self.status_issue:
                sandbox.delete_issue(key)
            case "move" if issue.key.rpartition("-")[0] != given:
                sandbox.move_issue(key, given)
            case "hide" | "show":
                sandbox.hide_issue(key, hidden=what == "hide")
            case "log":
                sandbox.add_worklog(key, 60 * given)
            case "relog" | "unlog" if logs:
                with self._seen(issue):
                    if what == "relog":
                        sandbox.edit_worklog(key, logs[-1], 60 * given)
                    else:
                        sandbox.delete_worklog(key, logs[given % len(logs)])

    @contextmanager
    def _seen(self, issue: Issue) -> Iterator[None]:
        """Others see what our account does not."""
        project = self.sandbox.state.project_of(issue)
        before = issue.hidden, project.get("hidden", False)
        issue.hidden = project["hidden"] = False
        yield
        issue.hidden, project["hidden"] = before

    # ---- running

    def connector(self, *, hasty: bool = False) -> JiraConnector:
        """A fresh connector whose waiting costs no time."""
        given = {k: v for k, v in self.sandbox.configuration().items() if k != "connector"}
        auth = {"token": self.sandbox.token}
        if self.sandbox.cloud:
            auth["email"] = self.sandbox.email
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
        self.wait(timedelta(seconds=61))
        steady = self._steady()
        live, absent = self._live(), self.absent()

        def job(connector: JiraConnector) -> PullResult:
            def opened(_known: Any) -> tuple[Connector, Mapper]:
                return connector, shipped_mapper(connector)

            run = self.store.begin_run("pull", self.now)
            result = pull(
                self.store, [PullSource("jira", opened, connections=3)], run=run, now=self.now,
                inline=not threads, pause=self._sleep, **options,
            )  # fmt: skip
            self.store.finish_run(run, state=result.state, now=self.now)
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
        self.wait(timedelta(seconds=61))
        self.wanted = status
        targets = [Target("jira", "NET", str(self.status_issue), f) for f in JiraPublisher.fields]
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
                clock=lambda: self.now, take_over=[t.id for t in targets] if take_over else (),
            )  # fmt: skip
            return {step.target.field: step.action for step in result.steps}

        done = self._guarded(job, events, kill)
        comments = self.our_comments()
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
        self.sandbox.meet(events, self.apply)
        try:
            with self._kill(connector, kill):
                return job(connector)
        except Killed:
            self.store.close()
            self.store = self._open()
            return None
        finally:
            connector.close()
            self.sandbox.meet({}, self.apply)

    @contextmanager
    def _kill(self, connector: JiraConnector, kill: tuple[str, int] | None) -> Iterator[None]:
        """("request", n) dies at the n-th request; ("before" | "inside" | "after", n) at the n-th
        transaction of the store."""
        if kill is None:
            yield
            return
        how, at = kill
        numbers = itertools.count()
        send, write = connector._http._send, self.store._db.write

        def sending(*args: Any, **options: Any) -> Any:
            if next(numbers) == at:
                raise Killed
            return send(*args, **options)

        @contextmanager
        def writing() -> Iterator[Any]:
            mine = next(numbers) == at
            if mine and how == "before":
                raise Killed
            with write() as db:
                yield db
                if mine and how == "inside":
                    raise Killed
            if mine:
                raise Killed

        if how == "request":
            self._patch.setattr(connector._http, "_send", sending)
        else:
            self._patch.setattr(self.store._db, "write", writing)
        try:
            yield
        finally:
            connector._http._send = send  # type: ignore[method-assign]
            self.store._db.write = write  # type: ignore[method-assign]

    # ---- our comment, and who edits it

    def our_comments(self) -> list[dict[str, Any]]:
        """The comments that our account wrote, on any issue."""
        documents = (issue.document() for issue in self.sandbox.state.issues.values())
        comments = (c for d in documents for c in d["fields"]["comment"]["comments"])
        return [c for c in comments if c["author"]["name"] == "itpm-sync"]

    def person_edits_comment(self, *, delete: bool) -> None:
        """Somebody changes or deletes our comment, if there is one. A deleted one that we never
        saw (its writing was cut off) may be written again: nothing tells it from a lost write."""
        issue = self.sandbox.state.issues[self.status_issue]
        entry = Outbox(self.store).outbox_entry(
            Target("jira", "NET", str(self.status_issue), "comment")
        )
        unseen = entry and entry.standing is None and entry.state is not State.CONFLICT
        for comment in self.our_comments():
            text = "" if delete else f"No, it is {next(self._numbers)}"
            if delete:

                def act(document: Any, gone: str = comment["id"]) -> None:
                    entries = document["fields"]["comment"]["comments"]
                    entries[:] = [e for e in entries if e["id"] != gone]

                self.sandbox.state.amend(issue, act)
                self.sandbox.state.comments.pop(int(comment["id"]))
            else:
                body: Any = text
                if self.sandbox.cloud:
                    words = [{"type": "text", "text": text}]
                    paragraph = {"type": "paragraph", "content": words}
                    body = {"type": "doc", "version": 1, "content": [paragraph]}
                self.sandbox.edit_comment(issue.key, comment["id"], body)
                text = body
            self.persons_text = None if delete and unseen else text

    # ---- what is true, and what is stored

    def visible(self) -> dict[int, Issue]:
        """The issues of configured projects that our account may see."""
        return visible_issues(self.sandbox, CONFIGURED)

    def _steady(self) -> set[str]:
        """Those that the index, too, has under a configured project."""
        state = self.sandbox.state
        late = {number for _, number in state.pending}
        return {
            str(i) for i in self.visible() if i not in late and state.rows[i].project in CONFIGURED
        }

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
            there = {"issue": self._project_of, "sprint": self._board_of}[stream](ident)
            if cause == "hidden":
                assert there is None, f"{stream} {ident} can be seen"
            else:
                assert cause == "moved", f"{stream} {ident}: nobody said that it is {cause}"
                assert there is not None, f"{stream} {ident} cannot be seen"
                assert not there & {*CONFIGURED}, f"{stream} {ident} is still in {there}"

    def _project_of(self, ident: str) -> set[str] | None:
        """The project of an issue; None if the account cannot see it, or there is none."""
        found = self.sandbox.state.get(ident)
        return {self.sandbox.state.project_of(found)["key"]} if found else None

    def _board_of(self, ident: str) -> set[str] | None:
        """The projects of a sprint's board, alike."""
        state = self.sandbox.state
        sprint = state.sprints.get(int(ident))
        if sprint is None or state.denied:
            return None
        board = state.boards[sprint["originBoardId"]]
        seen = any(state.project(key) for key in board["projects"])
        return set(board["projects"]) if seen and not board.get("hidden") else None

    def sprints(self) -> set[str]:
        """The sprints on boards of configured projects that our account may see."""
        found = {str(i): self._board_of(str(i)) for i in self.sandbox.state.sprints}
        return {i for i, projects in found.items() if projects and projects & {*CONFIGURED}}

    def source(self, scopes: Sequence[str] = CONFIGURED) -> Issues:
        """What a store should hold of the visible issues, field by field."""
        return issues_at(self.sandbox, scopes)

    def stored(self) -> Issues:
        """What the store holds, alike."""
        found = issues_in(self.store)
        assert found.keys() == self._live(), "every live raw record has its row, and only these"
        return found

    def settle(self) -> None:
        """No faults, an index that has caught up: one undisturbed run makes the store equal, after
        a restored backup one that reads everything."""
        self.sandbox.set_index_lag(0)
        self.wait(timedelta(minutes=6))
        if self.sandbox.state.denied:
            self._settle_refused()
        hidden = [k for k in CONFIGURED if self.sandbox.state.projects[k].get("hidden")]
        if hidden:
            self._settle_visible([k for k in CONFIGURED if k not in hidden])
            for key in hidden:
                self.sandbox.hide_project(key, hidden=False)
        before = {stream: self._live(stream) for stream in ("issue", "sprint")}
        result = self.run(sweep=True, full=self.restored)
        assert result is not None
        if result.state == "safety_stop":
            for stream in result.connections[0].streams:  # the others are swept all the same
                if stream.safety_stop:
                    live = self._live(stream.stream)
                    assert before[stream.stream] <= live, "a safety stop marks nothing"
            result = self.run(sweep=True, full=self.restored, confirm=True)
            assert result is not None
        assert self.stored() == self.source()
        assert self._live("sprint") == self.sprints()
        held = Counter(issue["project"] for issue in self.source().values())
        assert result.state == ("ok" if len(held) == len(CONFIGURED) else "partial"), result.message
        for proof in self.store.coverage():
            if proof.stream == "issue" and not held[proof.scope]:
                assert not proof.complete, "an empty project is not proved"
                continue
            assert proof.complete, proof
            if proof.stream == "issue":
                assert proof.stored == held[proof.scope]
        assert not self.store.rejected()
        self.restored = False

    def _settle_refused(self) -> None:
        """Boards that are refused are not boards that are gone."""
        before = self._live("sprint")
        result = self.run(sweep=True, full=self.restored)
        assert result is not None
        assert self._live("sprint") == before, "nothing is concluded from a refusal"
        assert not before or result.state != "ok", "and it is told"
        self.sandbox.deny()

    def _settle_visible(self, scopes: Sequence[str]) -> None:
        """A project that cannot be asked is told; nothing of it is marked, and the others are
        read."""
        before = self._live()
        result = self.run(sweep=True, full=self.restored)
        assert result is not None
        assert result.state != "ok"
        assert before <= self._live(), "nothing is concluded while a project cannot be asked"
        stored = self.stored()
        for ident, issue in self.source(scopes).items():
            assert stored[ident] == issue
        for proof in self.store.coverage():
            if proof.stream == "issue" and proof.scope not in scopes:
                assert not proof.complete

    def settle_published(self) -> None:
        """A quiet publish leaves what is wanted, or what a person made of it."""
        project = self.sandbox.state.project_of(self.sandbox.state.issues[self.status_issue])
        project["hidden"] = self.sandbox.state.issues[self.status_issue].hidden = False
        done = self.publish(self.wanted)
        assert set(done.values()) <= {*Action} - {Action.FAILED}
        if self.persons_text is not None:
            return
        assert Action.CONFLICT not in done.values(), done
        assert set(self.publish(self.wanted).values()) == {Action.SKIP}
        document = self.sandbox.state.issues[self.status_issue].document()
        (comment,) = self.our_comments()
        assert self.wanted in str(comment["body"])
        assert document["properties"]["itpm-sync.status"]["reason"] == self.wanted
        (link,) = document["remotelinks"]
        assert self.wanted in link["object"]["url"]
