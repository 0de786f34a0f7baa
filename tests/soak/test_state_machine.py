"""After any sequence of changes, faults and kills, one undisturbed run leaves the store equal to
the source; no write is lost, none doubled.

`make soak` runs ITPM_SOAK_EXAMPLES examples (2,000 unless told otherwise), each of another history;
`make test` runs the same hundred each time.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.soak.busy_site import PROJECTS
from tests.soak.jira_world import JiraWorld
from tests.soak.killing import WHEN
from tests.soak.meddling import IN_THE_ANSWER, ON_THE_WIRE, Event, Op

SOAK = int(os.environ.get("ITPM_SOAK_EXAMPLES", "0"))
PROFILE = settings(
    max_examples=SOAK // 2 or 50,  # of each flavour
    stateful_step_count=20 if SOAK else 12,
    derandomize=not SOAK,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

ISSUES = st.integers(0, 30)
OPS: st.SearchStrategy[Op] = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(PROJECTS)),
    st.tuples(st.just("edit"), ISSUES, st.integers(0, 3)),
    st.tuples(st.just("delete"), ISSUES),
    st.tuples(st.just("move"), ISSUES, st.sampled_from(PROJECTS)),
    st.tuples(st.sampled_from(["hide", "show"]), ISSUES),
    st.tuples(st.sampled_from(["hide project", "show project"]), st.sampled_from(PROJECTS)),
    st.tuples(st.sampled_from(["sprint", "hide board", "show board"]), st.sampled_from(PROJECTS)),
    st.tuples(st.just("move sprint"), st.sampled_from(PROJECTS), ISSUES),
    st.tuples(st.just("delete sprint"), ISSUES),
    st.tuples(st.sampled_from(["refuse boards", "permit boards"])),
    st.tuples(st.sampled_from(["log", "relog", "unlog"]), ISSUES, st.integers(1, 500)),
    st.tuples(st.sampled_from(["back up", "restore"])),
    st.tuples(st.just("set back"), st.sampled_from([3, 20, 180])),
)
FAULTS = st.sampled_from([*ON_THE_WIRE, *IN_THE_ANSWER])
EVENTS: st.SearchStrategy[dict[int, Event]] = st.dictionaries(
    st.integers(0, 25), st.one_of(FAULTS, OPS), max_size=5
)
KILLS = st.one_of(
    st.none(),
    st.tuples(st.just("request"), st.integers(0, 25)),
    st.tuples(st.sampled_from(WHEN), st.integers(0, 30)),
)
SPANS = st.sampled_from([1, 9, 11, 60, 25 * 60]).map(lambda minutes: timedelta(minutes=minutes))
THREADS = st.booleans() if SOAK else st.just(False)


class JiraMachine(RuleBasedStateMachine):
    """One site, one store, and everything that can happen to them."""

    flavour: ClassVar[str]
    world: JiraWorld

    @initialize(skew_h=st.sampled_from([0, 0, -2, 3]))
    def begin(self, skew_h: int) -> None:
        self.world = JiraWorld(self.flavour, timedelta(hours=skew_h))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.settle()
                if self.world.wanted:
                    self.world.settle_published()
            finally:
                self.world.close()

    @rule(ops=st.lists(OPS, min_size=1, max_size=4))
    def somebody_changes(self, ops: list[Op]) -> None:
        for op in ops:
            self.world.site.apply(op)

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self.world.site.wait(span)

    @rule(minutes=st.integers(-2, 2))
    def clocks_drift(self, minutes: int) -> None:
        self.world.site.drift = timedelta(minutes=minutes)
        self.world.site.wait(timedelta(0))

    @rule(seconds=st.sampled_from([0, 30, 290]))
    def the_index_lags(self, seconds: int) -> None:
        self.world.site.sandbox.set_index_lag(seconds)

    @rule(events=EVENTS, kill=KILLS, full=st.booleans(), sweep=st.booleans(), threads=THREADS)
    def a_run(self, events: Any, kill: Any, full: bool, sweep: bool, threads: bool) -> None:
        self.world.run(events, kill, full=full, sweep=sweep, threads=threads)

    @rule(events=EVENTS, kill=KILLS)
    def a_usual_run(self, events: Any, kill: Any) -> None:
        self.world.run(events, kill)

    @rule(issue=ISSUES, status=st.integers(0, 3), at=st.integers(0, 12), lasts=st.integers(1, 3),
          marked=st.booleans())  # fmt: skip
    def a_hidden_change_is_shown_to_a_sweep_for_a_moment(
        self, issue: int, status: int, at: int, lasts: int, marked: bool
    ) -> None:
        self.world.site.apply(("hide", issue))
        self.world.site.apply(("edit", issue, status))
        self.world.site.wait(timedelta(minutes=15))
        self.world.run(sweep=marked)
        self.world.run({at: ("show", issue), at + lasts: ("hide", issue)}, sweep=True)
        self.world.site.apply(("show", issue))

    @rule()
    def a_quiet_run(self) -> None:
        self.world.settle()

    @rule(status=st.sampled_from(["one", "two", "three"]), events=EVENTS, kill=KILLS)
    def a_status_is_published(self, status: str, events: Any, kill: Any) -> None:
        self.world.publish(status, events, kill)

    @precondition(lambda self: self.world.site.our_comments())
    @rule(delete=st.booleans())
    def somebody_edits_the_comment(self, delete: bool) -> None:
        self.world.person_edits_comment(delete=delete)

    @precondition(lambda self: self.world.persons_text is not None)
    @rule(status=st.sampled_from(["one", "two", "three"]))
    def the_comment_is_taken_over(self, status: str) -> None:
        self.world.publish(status, take_over=True)


class CloudMachine(JiraMachine):
    """Jira Cloud."""

    flavour = "cloud"


class DataCenterMachine(JiraMachine):
    """Jira Data Center."""

    flavour = "datacenter"


TestCloud = CloudMachine.TestCase
TestCloud.settings = PROFILE
TestDataCenter = DataCenterMachine.TestCase
TestDataCenter.settings = PROFILE
