"""A Jira site, its clock and ours, and the people who change things there behind our back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.jira.sandbox_state import Issue
from tests.soak.issues import Issues, issues_at, visible_issues
from tests.soak.meddling import MeddledSandbox, Op

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONFIGURED = ("A", "B")
PROJECTS = (*CONFIGURED, "OUT")


class BusySite:
    """A sandbox on a clock of its own, and what is true of it; backups go into a folder."""

    def __init__(self, flavour: str, folder: Path, skew: timedelta) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self.sandbox = MeddledSandbox(flavour)
        self.now, self.skew, self.drift = START, skew, timedelta(0)
        self.restored = False  # from a backup, and not read in full since
        self.published = False  # by us: a backup would be without it
        self._set_clock()
        for key in PROJECTS:
            self.sandbox.create_project(key)
        for _ in range(4):
            self.apply(("create", "A"))
            self.apply(("create", "B"))
        self._on_site("back up")
        self.status_issue = next(iter(self.sandbox.state.issues))
        self.sandbox.start()

    # ---- time

    def _set_clock(self) -> None:
        self.sandbox.freeze(self.now + self.skew + self.drift)

    def wait(self, span: timedelta) -> None:
        """Lets time pass on both clocks."""
        self.now += span
        self._set_clock()

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
        backup = self._folder / "backup.json"
        match what:
            case "back up":
                self.sandbox.save(backup)
            case "restore" if not self.published:
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

    # ---- our comment, and who edits it

    def our_comments(self) -> list[dict[str, Any]]:
        """The comments that our account wrote, on any issue."""
        documents = (issue.document() for issue in self.sandbox.state.issues.values())
        comments = (c for d in documents for c in d["fields"]["comment"]["comments"])
        return [c for c in comments if c["author"]["name"] == "itpm-sync"]

    def change_our_comments(self, *, delete: bool) -> Any:
        """Somebody changes or deletes them; gives what one reads then: "" if it was deleted, None
        if there was none."""
        text: Any = None
        for comment in self.our_comments():
            if delete:
                text = ""
                self._delete_comment(comment["id"])
            else:
                text = self._written(f"No, it is {next(self._numbers)}")
                key = self.sandbox.state.issues[self.status_issue].key
                self.sandbox.edit_comment(key, comment["id"], text)
        return text

    def _delete_comment(self, ident: str) -> None:
        def act(document: Any) -> None:
            entries = document["fields"]["comment"]["comments"]
            entries[:] = [e for e in entries if e["id"] != ident]

        state = self.sandbox.state
        state.amend(state.issues[self.status_issue], act)
        state.comments.pop(int(ident))

    def _written(self, text: str) -> Any:
        """A text as the flavour takes it."""
        if not self.sandbox.cloud:
            return text
        words = [{"type": "text", "text": text}]
        paragraph = {"type": "paragraph", "content": words}
        return {"type": "doc", "version": 1, "content": [paragraph]}

    # ---- what is true

    def visible(self) -> dict[int, Issue]:
        """The issues of configured projects that our account may see."""
        return visible_issues(self.sandbox, CONFIGURED)

    def steady(self) -> set[str]:
        """Those that the index, too, has under a configured project."""
        state = self.sandbox.state
        late = {number for _, number in state.pending}
        return {
            str(i) for i in self.visible() if i not in late and state.rows[i].project in CONFIGURED
        }

    def project_of(self, ident: str) -> set[str] | None:
        """The project of an issue; None if the account cannot see it, or there is none."""
        found = self.sandbox.state.get(ident)
        return {self.sandbox.state.project_of(found)["key"]} if found else None

    def board_of(self, ident: str) -> set[str] | None:
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
        found = {str(i): self.board_of(str(i)) for i in self.sandbox.state.sprints}
        return {i for i, projects in found.items() if projects and projects & {*CONFIGURED}}

    def source(self, scopes: Sequence[str] = CONFIGURED) -> Issues:
        """What a store should hold of the visible issues, field by field."""
        return issues_at(self.sandbox, scopes)
