"""Checks of what people decided: a decision that has run out, or that decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from itpm_sync.errors import suggestion
from itpm_sync.reconcile.decisions import Override, Waiver
from itpm_sync.reconcile.folding import fold, pattern
from itpm_sync.reconcile.status import Finding, Severity
from itpm_sync.reconcile.wording import count, day


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFacts:
    """The decisions of the configuration, and what each of them is about on the data date."""

    data_date: date
    projects: Collection[str]  # codes
    codes: Collection[str]  # of findings
    waivers: Sequence[Waiver]
    overrides: Sequence[Override]
    matched: Mapping[int, int]  # position of a waiver → findings that it covers, or would if valid

    def home(self, project: str) -> str:
        """The code of the project that a decision names, if there is one."""
        return next((code for code in self.projects if fold(code) == fold(project)), "")

    def like(self, words: str) -> bool:
        """Whether any project's code fits, as waivers name them."""
        form = pattern(fold(words))
        return any(form.match(fold(code)) for code in self.projects)


def waiver_expired(facts: DecisionFacts) -> Iterator[Finding]:
    """A waiver is past its day: what it covered counts again."""
    for position, waiver in enumerate(facts.waivers):
        if waiver.holds(facts.data_date):
            continue
        matched = facts.matched.get(position, 0)
        told, action = "nothing is left that it would cover", "Remove it from the configuration."
        if matched:
            told = f"{count(matched, 'finding')} that it covered {'is' if matched == 1 else 'are'}"
            told += " back"
            action = "Settle what it covered, or renew the waiver with a new reason and day."
        yield Finding(
            code="waiver-expired",
            severity=Severity.MEDIUM if matched else Severity.LOW,
            project=facts.home(waiver.project),
            subject=_subject(waiver),
            message=f"The waiver of {_named(waiver)} by {waiver.author} expired on "
            f"{day(waiver.expires)}: {told}",
            action=action,
        )


def waiver_unused(facts: DecisionFacts) -> Iterator[Finding]:
    """A waiver in force that matches no finding: settled by now, or misspelt."""
    for position, waiver in enumerate(facts.waivers):
        if facts.matched.get(position, 0) or not waiver.holds(facts.data_date):
            continue
        reason, action = _why_unused(waiver, facts)
        told = f"The waiver of {_named(waiver)} by {waiver.author} matches no finding{reason}"
        yield Finding(
            code="waiver-unused",
            severity=Severity.LOW,
            project=facts.home(waiver.project),
            subject=_subject(waiver),
            message=told,
            action=action,
        )


def _why_unused(waiver: Waiver, facts: DecisionFacts) -> tuple[str, str]:
    """What the waiver names that is not there, and what to do."""
    if waiver.finding not in facts.codes:
        meant = suggestion(waiver.finding, facts.codes).partition("known")[0]
        action = f"Correct the code: {meant or 'see docs/findings.md.'}"
        return f": there is no code {waiver.finding}", action
    if waiver.project and not facts.like(waiver.project):
        return f": there is no project {waiver.project}", _corrected(waiver.project, facts)
    return "", "Remove it if the matter is settled; else compare it with the finding's key."


def _corrected(project: str, facts: DecisionFacts) -> str:
    meant = suggestion(project, facts.projects).partition("known")[0]
    return f"Correct the project's code{f': {meant}' if meant else ', or remove the entry.'}"


def override_expired(facts: DecisionFacts) -> Iterator[Finding]:
    """An override is past its day: the rating is the computed one again."""
    for override in facts.overrides:
        if not override.holds(facts.data_date):
            yield Finding(
                code="override-expired",
                severity=Severity.MEDIUM,
                project=facts.home(override.project),
                subject=_of(override),
                message=f"The override of the {override.dimension} rating of {override.project} to "
                f"{override.rating} by {override.author} expired on {day(override.expires)}: the "
                "rating is the computed one",
                action="Remove it from the configuration, or renew it with a new reason and day.",
            )


def override_unused(facts: DecisionFacts) -> Iterator[Finding]:
    """An override in force of a project that is not there."""
    for override in facts.overrides:
        if override.holds(facts.data_date) and not facts.home(override.project):
            yield Finding(
                code="override-unused",
                severity=Severity.LOW,
                project="",
                subject=_of(override),
                message=f"The override of the {override.dimension} rating by {override.author} is "
                f"of the project {override.project}, which is not there",
                action=_corrected(override.project, facts),
            )


def _of(override: Override) -> str:
    return f"{override.project}/{override.dimension} until {override.expires}"


def _subject(waiver: Waiver) -> str:
    return f"{waiver.finding}/{waiver.project}/{waiver.subject} until {waiver.expires}"


def _named(waiver: Waiver) -> str:
    where = {"*": "", "": " of the portfolio"}.get(waiver.project, f" of {waiver.project}")
    about = "" if waiver.subject == "*" else f" about {waiver.subject}"
    return f"{waiver.finding}{where}{about}"
