"""A rating that a person sets stands in place of the computed one, and says so, until its day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from itpm_sync.model import InvoiceLine, Method, WorkPackage
from itpm_sync.reconcile.decisions import Override
from itpm_sync.reconcile.status import from_json, to_json

TODAY = date(2026, 3, 13)


@pytest.fixture
def late(world, eur):
    """A project that is red in time and, by what it has spent, green in cost."""
    world.add(
        WorkPackage, "w", code="1", name="Roll-out", planned_start=date(2026, 1, 5),
        planned_finish=date(2026, 3, 6), budget=eur(1000), method=Method.PERCENT,
        percent_complete=Decimal(50),
    )  # fmt: skip
    world.add(
        InvoiceLine, "i", invoice="R-1", vendor="ACME", work_package="1", contract="C",
        invoiced_on=date(2026, 2, 2), amount=eur(500),
    )  # fmt: skip
    return world


def override(**fields):
    given = {"project": "NET", "dimension": "time", "rating": "amber", "reason": "plan is re-cut"}
    return Override(**{**given, "author": "Ann", "expires": TODAY, **fields})


def rated(world, dimension):
    project = world.project()
    return next(r for r in (project.rating, *project.ratings) if r.dimension == dimension)


def test_a_set_rating_names_who_set_it_until_when_why_and_what_was_computed(late):
    assert rated(late, "time").colour == "red"
    late.options["overrides"] = (override(),)
    time = rated(late, "time")
    assert (time.colour, time.computed) == ("amber", "red")
    assert time.reason == (
        "Set by Ann until 13 Mar 2026: plan is re-cut (computed red: SPI 0.50, below 0.90)"
    )
    snapshot = late.snapshot()
    assert from_json(to_json(snapshot)) == snapshot


def test_a_set_dimension_enters_the_overall_rating_which_says_so(late):
    late.options["overrides"] = (override(),)
    overall = rated(late, "overall")
    assert overall.colour == "amber"
    assert overall.reason.startswith("Time: Set by Ann until 13 Mar 2026")


def test_an_overall_rating_that_is_set_leaves_the_dimensions_as_computed(late):
    late.options["overrides"] = (override(project="net", dimension="overall", rating="green"),)
    assert (rated(late, "overall").colour, rated(late, "overall").computed) == ("green", "red")
    assert rated(late, "time").colour == "red"
    assert rated(late, "time").computed is None


def test_an_unknown_rating_becomes_known_only_by_a_person(late):
    assert rated(late, "risk").colour == "grey"
    late.options["overrides"] = (override(dimension="risk", rating="green"),)
    assert (rated(late, "risk").colour, rated(late, "risk").computed) == ("green", "grey")


def test_an_expired_override_is_not_applied_and_is_a_finding(late):
    late.options["overrides"] = (override(expires=date(2026, 3, 12)),)
    assert (rated(late, "time").colour, rated(late, "time").override) == ("red", None)
    [found] = late.findings("override-expired")
    assert found.project == "NET"
    assert found.message == (
        "The override of the time rating of NET to amber by Ann expired on 12 Mar 2026: "
        "the rating is the computed one"
    )


def test_a_renewed_override_is_applied_beside_the_expired_one(late):
    late.options["overrides"] = (override(expires=date(2026, 3, 12)), override(rating="green"))
    assert rated(late, "time").colour == "green"
    assert len(late.findings("override-expired")) == 1


def test_an_override_of_a_project_that_is_not_there_is_a_finding(late):
    late.options["overrides"] = (override(project="SDM"),)
    [found] = late.findings("override-unused")
    assert (found.project, found.subject) == ("", "SDM/time until 2026-03-13")


def test_the_declared_rating_is_compared_with_what_the_figures_say(late):
    late.setup["declared_rating"] = "green"
    late.options["overrides"] = (override(dimension="overall", rating="green"),)
    [found] = late.findings("declared-better-than-computed")
    assert "the figures say red" in found.message
