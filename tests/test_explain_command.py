"""`explain` for every figure of the demo's programme, and how it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from itpm_sync import app
from itpm_sync.app import inquiry
from itpm_sync.app.reconciling import previous_of
from itpm_sync.reconcile.explain import Explainer
from itpm_sync.reconcile.explanation import adding_up
from itpm_sync.reconcile.glossary import in_words, terms
from itpm_sync.reconcile.inputs import Inputs
from itpm_sync.reconcile.kept import kept
from itpm_sync.reconcile.status import Snapshot
from itpm_sync.reconcile.totals import explain_total, totals
from tests.calling import Ended
from tests.reconcile.evaluating import evaluated

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def config(demo_config: Path) -> Path:
    """The demo's programme after its last weekly job."""
    return demo_config


@pytest.fixture(scope="module")
def pulled(config: Path) -> Iterator[tuple[Inputs, Snapshot, Snapshot | None]]:
    """Everything behind the latest snapshot, that snapshot, and the one of the week before."""
    with app.open_session(config) as session:
        snapshot = app.snapshot_of(session)
        day = snapshot.data_date
        yield app.inputs(session, day), snapshot, previous_of(session, day)


def test_every_figure_of_the_demos_report_adds_up(
    pulled: tuple[Inputs, Snapshot, Snapshot | None],
) -> None:
    inputs, snapshot, previous = pulled
    told = 0
    for status in snapshot.projects:
        project = Explainer(inputs, status.code, previous)
        for code, figures in (
            ("", status.figures),
            *((p.code, p.figures) for p in status.packages),
        ):
            for name, figure in figures.items():
                found, exact = project.of(name, code), project.number(name, code)
                what = (status.code, code, name, found.formula, found.filled)
                assert found.figure == figure, what
                if exact.value is None:
                    assert figure.reason == exact.reason != "", what
                    continue
                if found.inputs and not found.samples:
                    assert evaluated(found) == exact.value, what
                if found.parts:
                    assert found.total == exact.value, what
                    cents = adding_up(found.parts)
                    assert abs(sum(c or 0 for c in cents) - exact.value) <= Fraction(1, 200), what
                assert found.inputs or found.parts or found.samples or exact.value == 0, what
                for part in (*found.inputs, *found.parts):
                    assert not part.identity or part.url or part.place, (*what, part)
                told += 1
    assert told > 300


def test_the_reports_glossary_tells_the_formulas_that_explain_computes_by(
    pulled: tuple[Inputs, Snapshot, Snapshot | None],
) -> None:
    inputs, snapshot, previous = pulled
    told = set()
    for status in (p for p in snapshot.projects if p.code in ("NET", "SDM")):
        project = Explainer(inputs, status.code, previous)
        for name, figure in status.figures.items():
            formula = project.of(name).formula.replace(" / 5", " / days a week")
            for term in terms([figure]) if formula else ():
                assert term.formula == in_words(formula), name
                assert term.meaning, name
                told.add(term.short)
    assert {"AC", "CV", "CPI", "EAC", "TCPI", "ES", "SPI(t)", "IEAC(t)", "TSPI"} <= told


def test_every_contract_and_help_desk_number_of_the_demos_report_adds_up(
    pulled: tuple[Inputs, Snapshot, Snapshot | None],
) -> None:
    inputs, snapshot, previous = pulled
    burns = desks = 0
    for status in snapshot.projects:
        project = Explainer(inputs, status.code, previous)
        printed: dict[str, Fraction | None] = {}
        for contract in status.contracts:
            prefix = f"contract:{contract.number}"
            for state, amount in (
                ("committed", contract.committed), ("invoiced", contract.invoiced),
            ):  # fmt: skip
                printed[f"{prefix}:{state}"] = Fraction(amount.amount) if amount else None
            burn = contract.burn.value
            printed[f"{prefix}:burn"] = None if burn is None else Fraction(burn)
            burns += burn is not None
        if desk := status.help_desk:
            printed["desk_open"] = Fraction(desk.open_now)
            for priority, number in desk.open_by_priority:
                printed[f"desk_open:{priority}"] = Fraction(number)
            printed["desk_response_breaches"] = Fraction(desk.response_breaches)
            printed["desk_resolve_breaches"] = Fraction(desk.resolve_breaches)
            desks += 1
        for name, value in printed.items():
            found, exact = project.of(name), project.number(name)
            assert (exact.value is None) == (value is None), (status.code, name)
            if value is None:
                continue
            assert abs(exact.value - value) <= Fraction(1, 10**4), (status.code, name)
            if found.formula:
                assert evaluated(found) == exact.value, (status.code, name)
            else:
                assert found.total == exact.value or not (found.parts or exact.value), name
    assert burns >= 4
    assert desks == 3


def test_a_snapshot_keeps_every_figure_that_explain_names_but_what_is_ordered_under_a_contract(
    pulled: tuple[Inputs, Snapshot, Snapshot | None],
) -> None:
    inputs, snapshot, previous = pulled
    compared = 0
    for status in snapshot.projects:
        project = Explainer(inputs, status.code, previous)
        for package in ("", *(p.code for p in status.packages)):
            for name, figure in project.figures(package).items():
                stored = kept(status, name, package)
                if stored is None:  # left out, as there is nothing of it
                    assert not figure.value or name.endswith(":ordered"), (status.code, name)
                else:
                    assert stored.value == figure.value, (status.code, package, name)
                    compared += name.startswith(("contract:", "desk_", "effort_spent_s:"))
    assert compared > 50


def test_a_past_count_of_the_help_desk_is_told_apart_from_what_its_records_say_now(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot_of = inquiry.snapshot_of

    def other(session: app.Session, day: date | None = None) -> Snapshot:
        found = snapshot_of(session, day)
        desks = [
            replace(p, help_desk=p.help_desk and replace(p.help_desk, open_now=1_000))
            for p in found.projects
        ]
        return replace(found, projects=tuple(desks))

    assert json.loads(run("explain", "SDM", "desk_open", "--json")[1])["changed"] == ""
    monkeypatch.setattr(inquiry, "snapshot_of", other)
    told = json.loads(run("explain", "SDM", "desk_open", "--json")[1])
    assert told["changed"].startswith("the snapshot says 1,000: records changed since")


def test_a_figure_that_no_snapshot_keeps_says_that_no_change_can_be_seen(run: Run) -> None:
    word = "the snapshot does not keep this figure: whether records changed since is not known"
    assert word in run("explain", "NET", "contract:C-100:ordered")[1]
    assert word not in run("explain", "NET", "contract:C-100:invoiced")[1]
    assert json.loads(run("explain", "NET", "contract:C-100:ordered", "--json")[1])["kept"] is False


def test_every_total_of_the_portfolio_is_the_sum_of_its_projects(
    pulled: tuple[Inputs, Snapshot, Snapshot | None],
) -> None:
    _, snapshot, _ = pulled
    assert {t.unit for t in snapshot.totals} == {"CHF", "EUR", "USD"}
    for name, total in zip(totals(snapshot), snapshot.totals, strict=True):
        found = explain_total(snapshot, name)
        assert found.figure == total
        if total.value is None:
            assert not found.parts
            continue
        assert found.total == Fraction(total.value), name
        for part in found.parts:
            project = next(p for p in snapshot.projects if p.code == part.project)
            assert part.value == Fraction(project.figures[part.figure].value or 0), name


def test_a_total_names_its_projects_and_those_that_it_leaves_out(run: Run) -> None:
    code, out = run("explain", "portfolio", "ac:CHF")
    assert code == 0
    assert "explain NET ac" in out
    assert re.search(r"n/a .*WAN", out)
    code, told = run("explain", "portfolio", "bac:CHF", "--json")
    assert code == 0
    assert {p["project"] for p in json.loads(told)["parts"]} == {"NET", "WAN", "UPS", "PRN"}
    code, out = run("explain", "portfolio", "ac")
    assert code == 2
    assert "say ac:CHF, ac:EUR, ac:USD" in out


def test_a_contracts_burn_is_told_with_its_money_and_its_term(run: Run) -> None:
    code, out = run("explain", "DAP", "contract:C-300:burn")
    assert code == 0
    assert "((invoiced + accrued) / ceiling) / (elapsed / term)" in out
    assert "explain DAP contract:C-300:invoiced" in out
    code, out = run("explain", "DAP", "contract:C-300:invoiced")
    assert code == 0
    assert "N-900" in out


def test_a_help_desk_count_lists_its_items(run: Run) -> None:
    code, told = run("explain", "SDM", "desk_open", "--json")
    assert code == 0
    parts = json.loads(told)["parts"]
    assert len(parts) == float(json.loads(told)["figure"]["value"])
    assert all(p["url"] for p in parts)


def test_every_record_behind_the_demos_figures_names_its_rule_place_and_run(config: Path) -> None:
    with app.open_session(config) as session:
        for name in ("labour", "invoiced", "committed", "items_done", "bac"):
            for part in app.explain(session, "NET", name).found.parts:
                if part.identity:
                    assert part.run, part
                    assert part.seen_at, part
                    assert part.rule, part
                    assert part.place, part


@pytest.fixture
def run(config: Path, call: Callable[..., Ended]) -> Run:
    def told(*words: str) -> tuple[int, str]:
        ended = call("-c", str(config), *words)
        return ended.code, ended.all

    return told


def test_the_largest_parts_come_first_and_the_rest_is_one_line(run: Run) -> None:
    code, out = run("explain", "NET", "labour")
    assert code == 0
    rows = [line for line in out.splitlines() if re.match(r"CHF [\d,.]+\s", line)]
    assert len(rows) == 21
    assert rows[-1].rstrip().endswith("more: --all shows them")
    amounts = [Fraction(r.split()[1].replace(",", "")) for r in rows]
    assert amounts[:20] == sorted(amounts[:20], reverse=True)
    printed = re.search(r": CHF ([\d,.]+)$", out.splitlines()[0])
    assert printed is not None
    assert sum(amounts) == Fraction(printed[1].replace(",", ""))
    _, everything = run("explain", "NET", "labour", "--all")
    assert len(everything.splitlines()) > len(out.splitlines())
    assert "--all" not in everything


def test_a_package_and_json_carry_every_part(run: Run) -> None:
    code, out = run("explain", "NET", "ac", "--package", "1.2", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["formula"] == "labour + invoiced + accrued"
    assert told["package"] == "1.2"
    total = sum(Fraction(p["value"]) for p in told["parts"])
    assert abs(total - Fraction(told["figure"]["value"])) < Fraction(1, 10**6)
    assert {p["run"] != "" for p in told["parts"]} == {True}


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("NETT", "ac"), 'did you mean "NET"?'),
        (("NET", "labor"), 'did you mean "labour", Labour? — every figure: itpm-sync explain NET'),
        (("NET", "cost variance"), 'did you mean "cv", Cost variance (CV)?'),
        (("NET", "zzz"), 'the nearest are "bac", Budget at completion (BAC); "'),
        (("portfolio", "eacs:CHF"), 'did you mean "eac:CHF", Estimate at completion (EAC)?'),
        (("NET", "ac", "--package", "9"), "known: 1.1, 1.2, 1.3, 1.4, 1.5"),
    ],
)
def test_an_unknown_name_is_advice_and_exit_code_2(
    run: Run, words: tuple[str, ...], advice: str
) -> None:
    code, out = run("explain", *words)
    assert code == 2
    assert advice in out


def test_without_a_figure_every_one_is_listed_and_each_can_be_explained(run: Run) -> None:
    code, out = run("explain", "NET")
    assert code == 0
    assert out.splitlines()[1] == "Figure\tWhat it is\tValue"
    listed = [line.split("\t")[0] for line in out.splitlines()[2:]]
    assert {"eac", "labour", "contract:C-100:burn", "desk_open"} <= set(listed)
    assert run("explain", "NET", listed[-1])[0] == 0
    assert sorted(json.loads(run("explain", "NET", "--json")[1])) == sorted(listed)
    assert "\nac:CHF\tActual cost (AC)\t" in run("explain", "portfolio")[1]
    assert "--package: the portfolio has no" in run("explain", "portfolio", "--package", "1")[1]


def test_a_past_figure_is_explained_as_it_was_reported_then(run: Run, config: Path) -> None:
    with app.open_session(config) as session:
        now = app.snapshot_of(session)
        before = previous_of(session, now.data_date)
    assert before is not None
    told = {p.code: p.figures for p in before.projects}["NET"]["ac"]
    between = before.data_date + timedelta(days=2)  # a day of which nothing was reported
    code, out = run("explain", "NET", "ac", "--as-of", str(between), "--json", "--all")
    found = json.loads(out)
    assert (code, found["data_date"], found["changed"]) == (0, str(before.data_date), "")
    assert Fraction(found["figure"]["value"]) == Fraction(told.value or 0)
    assert max(p["on"] for p in found["parts"]) <= str(before.data_date)
    assert found["total"] != json.loads(run("explain", "NET", "ac", "--json")[1])["total"]


def test_what_leads_on_from_a_past_figure_stays_on_its_day(run: Run, config: Path) -> None:
    with app.open_session(config) as session:
        day = app.snapshot_of(session).data_date - timedelta(days=7)
    for words in (("NET", "ac"), ("portfolio", "ac:CHF"), ("NET", "bac")):
        _, out = run("explain", *words, "--as-of", str(day))
        commands = re.findall(r"explain \w+ [^\t\n]+", out)
        assert commands, words
        assert all(c.endswith(f" --as-of {day}") for c in commands), commands
    assert f"on {day}" in run("explain", "NET", "rating", "--as-of", str(day))[1]
    listed = json.loads(run("explain", "NET", "--as-of", str(day), "--json")[1])
    found = json.loads(run("explain", "NET", "ac", "--as-of", str(day), "--json")[1])
    assert listed["ac"] == found["figure"]


def test_the_list_of_figures_says_of_what_and_of_which_day_they_are(run: Run, config: Path) -> None:
    with app.open_session(config) as session:
        today = app.snapshot_of(session).data_date
    asked = today - timedelta(days=5)
    _, told = run("explain", "NET", "ac", "--as-of", str(asked))
    day = told.partition(" on ")[2][:10]  # of the last snapshot until then
    assert day < str(asked)

    def first(*words: str) -> str:
        return run("explain", *words)[1].splitlines()[0]

    assert first("NET", "--as-of", str(asked)) == f"Figures of NET on {day}"
    assert first("NET", "--package", "1.2") == f"Figures of NET package 1.2 on {today}"
    assert first("portfolio") == f"Figures of portfolio on {today}"


def test_a_day_before_the_first_snapshot_says_how_to_get_one(run: Run) -> None:
    code, out = run("explain", "NET", "ac", "--as-of", "2020-01-31")
    assert code != 0
    assert "itpm-sync reconcile --as-of 2020-01-31" in out
    code, out = run("explain", "NET", "ac", "--as-of", "2026-02-30")
    assert code == 2
    assert "expected YYYY-MM-DD, found 2026-02-30" in out


@pytest.mark.parametrize("figure", ["finish_p80", "ieac_t"])
def test_a_duration_is_told_in_weeks(run: Run, figure: str) -> None:
    code, out = run("explain", "SDM", figure)
    assert code == 0
    assert re.search(r"[\d.]+ weeks$", out.splitlines()[0])


def test_a_simulated_figure_shows_the_weeks_it_was_drawn_from(run: Run) -> None:
    code, out = run("explain", "SDM", "finish_p80")
    assert code == 0
    assert "what is left" in out
    assert len(re.findall(r"Week from", out)) >= 7
    _, told = run("explain", "SDM", "finish_p80", "--json")
    assert len(json.loads(told)["samples"]) == len(re.findall(r"Week from", out))
