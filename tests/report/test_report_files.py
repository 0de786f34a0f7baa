"""Writing reports: where files go, that they are whole, and the same again."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from itpm_sync.errors import ConfigError, StoreError
from itpm_sync.output import Output
from itpm_sync.report import Written, write_reports
from tests.report import sample

NAMES = {"index.html", "NET.html", "SDM.html", "etc-74ccf3c5.html", "status.xlsx"}
DIGEST = """
import hashlib, sys
from pathlib import Path
from itpm_sync.report import write_reports
from tests.report import sample
now, before, history = sample.snapshot(), sample.earlier(1), [sample.earlier(2)]
for path in write_reports(now, before, history, Path(sys.argv[1])).files:
    print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""


def small(weeks: int = 0) -> sample.Snapshot:
    """A snapshot that needs no chart."""
    base = sample.earlier(weeks) if weeks else sample.snapshot()
    projects = tuple(replace(p, curve=(), burnup=(), help_desk=None) for p in base.projects)
    return replace(base, projects=projects)


def listing(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_reports_go_to_the_folder_of_their_data_date(tmp_path: Path) -> None:
    paths = write_reports(small(), None, [], tmp_path).files
    assert {p.name for p in paths} == NAMES
    assert {p.parent for p in paths} == {tmp_path / "2026-11-22"}
    assert listing(tmp_path / "2026-11-22") == NAMES  # and no temporary file beside them


def test_a_project_code_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    write_reports(small(), None, [], out)
    assert listing(tmp_path) == {"a"}
    assert listing(tmp_path / "a") == {"b"}
    assert listing(out) == {"2026-11-22", "latest"}


def test_latest_has_the_newest_report_itself(tmp_path: Path) -> None:
    write_reports(small(), None, [], tmp_path)
    assert listing(tmp_path / "latest") == NAMES
    for name in NAMES:
        dated = (tmp_path / "2026-11-22" / name).read_bytes()
        assert (tmp_path / "latest" / name).read_bytes() == dated
    links = re.findall(r'href="([^"#:]*)"', (tmp_path / "latest" / "index.html").read_text())
    assert links
    assert set(links) <= NAMES


def test_an_older_report_made_later_leaves_latest_alone(tmp_path: Path) -> None:
    write_reports(small(), None, [], tmp_path)
    write_reports(small(2), None, [], tmp_path)
    assert (tmp_path / "2026-11-08" / "index.html").exists()
    newest = (tmp_path / "2026-11-22" / "index.html").read_bytes()
    assert (tmp_path / "latest" / "index.html").read_bytes() == newest


def test_a_page_that_is_written_no_more_goes_from_latest_only(tmp_path: Path) -> None:
    every = write_reports(sample.snapshot(), None, [], tmp_path).files
    write_reports(sample.snapshot(), None, [], tmp_path, ("html",), limit_projects=1)
    left = [path.name for path in (tmp_path / "latest").glob("*.html")]
    assert len(left) == 2 < len([path for path in every if path.suffix == ".html"])
    assert all(path.exists() for path in every)


def test_a_newer_report_takes_over_latest(tmp_path: Path) -> None:
    write_reports(small(2), None, [], tmp_path)
    write_reports(small(), small(1), [small(2)], tmp_path)
    newest = (tmp_path / "2026-11-22" / "index.html").read_bytes()
    assert (tmp_path / "latest" / "index.html").read_bytes() == newest


def test_formats_are_chosen(tmp_path: Path) -> None:
    (only,) = write_reports(small(), None, [], tmp_path / "x", formats=("xlsx",)).files
    assert only.name == "status.xlsx"
    pages = write_reports(small(), None, [], tmp_path / "h", formats=("html",)).files
    assert all(p.suffix == ".html" for p in pages)
    assert not any('href="status.xlsx"' in p.read_text() for p in pages)  # no dead link


def test_an_unknown_format_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'unknown format \'xslx\' — did you mean "xlsx"\?'):
        write_reports(small(), None, [], tmp_path, formats=("xslx",))
    assert listing(tmp_path) == set()


def test_a_file_that_is_called_like_a_day_is_no_later_report(tmp_path: Path) -> None:
    (tmp_path / "2027-01-01").write_text("somebody's notes")
    write_reports(small(), None, [], tmp_path, formats=("html",))
    assert "index.html" in listing(tmp_path / "latest")


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="the report cannot be written to") as told:
        write_reports(small(), None, [], tmp_path / "file", formats=("html",))
    assert "Not a directory — give the account" in str(told.value)
    assert "Errno" not in str(told.value)


def test_unchanged_files_are_not_written_again(tmp_path: Path) -> None:
    first = {p: p.stat().st_ino for p in write_reports(small(), None, [], tmp_path).files}
    second = {p: p.stat().st_ino for p in write_reports(small(), None, [], tmp_path).files}
    assert first == second


def test_what_had_to_be_written_is_told_and_what_stood_there_already_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_reports(small(), None, [], tmp_path)
    assert first.changed == {*first.files}
    monkeypatch.setattr("tempfile.mkstemp", _refused)  # as a folder that nobody may write does
    again = write_reports(small(), None, [], tmp_path)
    assert (again.files, again.changed) == (first.files, frozenset())
    monkeypatch.undo()
    index = tmp_path / "2026-11-22" / "index.html"
    index.write_text("old")
    assert write_reports(small(), None, [], tmp_path).changed == {index}


def test_the_line_says_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    files = (Path("a/index.html"), Path("a/NET.html"), Path("a/status.xlsx"))
    for changed in (files, files[1:2], ()):
        Output().reports(Written(files, frozenset(changed)))
    Output().reports(Written(files[:1], frozenset(files[:1])))
    assert capsys.readouterr().out.splitlines() == [
        "3 files written; start with a/index.html",
        "1 of 3 files written, the others are up to date; start with a/index.html",
        "3 files are up to date; start with a/index.html",
        "1 file written; start with a/index.html",
    ]


def _refused(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_report_that_fails_half_way_says_how_much_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(small(2), None, [], tmp_path, formats=("html",))
    pages = iter((None, None))
    replaced = Path.replace

    def filling_up(path: Path, target: Path) -> Path:
        if next(pages, "full") == "full":
            raise OSError(28, "No space left on device")
        return replaced(path, target)

    monkeypatch.setattr(Path, "replace", filling_up)
    changed = replace(small(2), title="Another title")
    with pytest.raises(StoreError, match=r"No space left on device \(2.files had been by then\) —"):
        write_reports(changed, None, [], tmp_path, formats=("html",))


def test_a_write_that_fails_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reports(small(), None, [], tmp_path, formats=("html",))
    index = tmp_path / "2026-11-22" / "index.html"
    before, names = index.read_bytes(), listing(index.parent)

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    changed = replace(small(), title="Another title")
    with pytest.raises(StoreError, match="No space left"):
        write_reports(changed, None, [], tmp_path, formats=("html",))
    assert index.read_bytes() == before
    assert listing(index.parent) == names


def test_with_a_limit_the_worst_projects_have_pages_and_no_link_is_dead(tmp_path: Path) -> None:
    paths = write_reports(small(), None, [], tmp_path, formats=("html",), limit_projects=1).files
    assert {p.name for p in paths} == {"NET.html", "index.html"}
    index = paths[-1].read_text()
    assert 'href="SDM.html"' not in index
    assert "2 projects have no page of their own in this report" in index


def test_the_same_snapshot_gives_the_same_bytes_in_any_process_and_zone(tmp_path: Path) -> None:
    paths = write_reports(
        sample.snapshot(), sample.earlier(1), [sample.earlier(2)], tmp_path / "a"
    ).files
    here = "".join(f"{p.name} {hashlib.sha256(p.read_bytes()).hexdigest()}\n" for p in paths)
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {
        "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONPATH": str(root),
    }  # fmt: skip
    there = subprocess.run(
        [sys.executable, "-c", DIGEST, str(tmp_path / "b")],
        env=environment, cwd=root, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert there.stdout == here


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, itpm_sync.report; print([m for m in sys.modules if re.match(heavy, m)])"
    code = f"import re; heavy = 'jinja2|xlsxwriter|vl_convert|altair|pydantic'; {code}"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_every_colour_of_the_charts_has_its_dark_counterpart() -> None:
    charts = pytest.importorskip("itpm_sync.report.charts")
    style = (Path(charts.__file__).parent / "templates" / "report.css").read_text()
    dark = style[style.index("prefers-color-scheme: dark") :]
    colours = (charts.INK, charts.MUTED, charts.GRID, charts.PLAN, charts.EARNED, charts.COST,
               charts.FILL)  # fmt: skip
    for colour in colours:
        assert re.search(rf'\[(fill|stroke)="{colour}"\]', dark)
