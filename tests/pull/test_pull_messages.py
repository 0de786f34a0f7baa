"""What a pull says of a connection, for whoever reads it at night."""

from __future__ import annotations

from itpm_sync.pull.result import ConnectionResult, ScopeResult, StreamResult
from itpm_sync.store import Landed


def message(*problems: str) -> str:
    scopes = tuple(ScopeResult(scope="", stored=0, problem=p) for p in problems)
    stream = StreamResult(stream="plan", scopes=scopes, landed=Landed())
    return ConnectionResult(name="office", streams=(stream,)).message


def test_a_cause_that_holds_in_many_places_is_told_once() -> None:
    gone = [f"s{n} f{n}.csv: folder x does not exist" for n in range(1, 6)]
    assert message(*gone, "plan p.csv: no header") == (
        "folder x does not exist (for s1 f1.csv, s2 f2.csv, s3 f3.csv and 2 more); "
        "plan p.csv: no header"
    )


def test_a_cause_of_one_place_stands_after_its_name() -> None:
    assert message("plan p.csv: no: header", "all is gone") == "plan p.csv: no: header; all is gone"


def test_causes_beyond_five_are_counted() -> None:
    assert message(*(f"s{n}: cause {n}" for n in range(7))).endswith("s4: cause 4; and 2 more")
