"""The demo's programme: what its report shows after the whole story was told."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from itpm_sync import app
from itpm_sync.reconcile.checks import codes
from itpm_sync.reconcile.status import Severity, Snapshot


def latest(config: Path) -> Snapshot:
    with app.open_session(config) as session:
        return app.snapshot_of(session)


def test_the_demo_shows_every_finding_there_is(demo_config: Path) -> None:
    shown = {f.code for f in latest(demo_config).all_findings}
    assert shown == codes()


def test_no_finding_of_the_demo_is_noise(demo_config: Path) -> None:
    """Few well-placed cases: most codes stand once, none more than ten times."""
    shown = Counter(f.code for f in latest(demo_config).all_findings)
    assert max(shown.values()) <= 10
    assert sum(1 for number in shown.values() if number == 1) >= 40


def test_every_finding_of_the_demo_says_what_to_do_and_from_which_records(
    demo_config: Path,
) -> None:
    for found in latest(demo_config).all_findings:
        assert found.message, found.key
        assert found.action, found.key
        assert found.severity in Severity
        for evidence in found.evidence:
            assert evidence.label, found.key


def test_the_demos_decisions_are_told_with_their_names(demo_config: Path) -> None:
    snapshot = latest(demo_config)
    waived = [f for f in snapshot.all_findings if f.waiver is not None]
    assert [(f.code, f.project, f.subject) for f in waived] == [("package-late", "NET", "1.2")]
    net = next(p for p in snapshot.projects if p.code == "NET")
    assert net.figures["bac"].value == 420_000
    assert net.figures["bac_original"].value == 356_000
    # EUR 9,600 of PO-1003 came at 0.9385; the second baseline froze 0.9350
    assert net.figures["fx_variance"].value == Decimal("33.60")
    approved = [f for f in snapshot.all_findings if f.code == "gate-approved-despite"]
    assert "Chief Information Officer" in approved[0].message


def test_the_demo_has_a_week_before_to_compare_with(demo_config: Path) -> None:
    with app.open_session(demo_config) as session:
        snapshot = app.snapshot_of(session)
        before = app.snapshot_of(session, snapshot.data_date - timedelta(days=7))
    assert before.data_date == snapshot.data_date - timedelta(days=7)
    dap = {s.data_date: p for s in (before, snapshot) for p in s.projects if p.code == "DAP"}
    bac = [dap[day].figures["bac"].value for day in sorted(dap)]
    assert bac == [252_000, 260_000]


def test_what_the_demo_published_names_no_person(demo_config: Path) -> None:
    with app.open_session(demo_config, reading=True) as session:
        texts = [row.written or "" for row in session.store.outcome.outbox()]
        people = session.store.people()
    assert {"Ana Ruiz", "Omar Haddad"} <= people
    told = "\n".join(texts)
    assert "Set by somebody until" in told
    assert not [name for name in (*people, "Chief Data Officer") if name in told]
