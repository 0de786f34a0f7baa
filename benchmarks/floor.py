"""The floor: the least program that reads all issues and stores what we store.

`python -m benchmarks.floor URL DB [--since] [--projects BEN]`. Eight keep-alive connections
(http.client) fetch ids in pages of 5,000 and bodies by the hundred; one writer parses (orjson),
compresses (zstd level 1) and upserts the same rows and columns as our store into SQLite (WAL), with
the same indexes. It knows one mapping, no retry, no rate limit, no redirect, no history, no
deletion, no quarantine, no proof: what it does not do is what the ratio pays for.

Neither lazy nor wasteful: `benchmarks.parity` compares its tables and rows with our store's. What
was tried and did not pay: parsing or compressing in the fetching threads (they then hold the
interpreter while the writer waits for it between two rows).
"""

from __future__ import annotations

import argparse
import gc
import http.client
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import zstandard

CONNECTIONS = 8
PAGE, BULK, COMMIT = 5_000, 100, 2_000
NAME = "c1"  # of the connection, as in the configuration that the benchmark writes for us
FIELDS = ["summary", "status", "worklog", "updated"]  # the mock answers whole issues all the same
HEAD = ("id connection stream source_id url raw_id gone gone_since state_from seen_at project_key "
        "work_package updated_at attributes").split()  # fmt: skip
TABLES = {
    "work_item": [*HEAD, *(
        "key title type source_type status source_status resolution priority points estimate_s "
        "spent_s remaining_s assignee reporter parent epic components labels versions sprints "
        "links created_at resolved_at due").split()],
    "time_entry": [*HEAD, *"item person role team on started_at duration_s note".split()],
    "field_change": [*HEAD, *"item at author field_name before after".split()],
}  # fmt: skip
RAW = ("id connection stream source_id scope updated_at seen_at run absent absent_since "
       "merged_into hash fingerprint kinds url body").split()  # fmt: skip
STATUS = {"new": "todo", "indeterminate": "in_progress", "done": "done"}
CHANGED_SINCE = "2026-01-01 00:00"  # the benchmark's: what bears a later stamp has changed
TYPE = {"Story": "story", "Task": "task", "Bug": "defect", "Improvement": "improvement"}


def schema(db: sqlite3.Connection) -> None:
    """Tables, primary keys and indexes like ours."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("PRAGMA cache_size=-32000")
    columns = ", ".join(f'"{c}"' for c in RAW)
    db.execute(f"CREATE TABLE IF NOT EXISTS raw_record ({columns}, PRIMARY KEY (id))")
    db.execute(
        "CREATE INDEX IF NOT EXISTS ix_raw ON raw_record (connection, stream, scope, absent)"
    )
    for name, names in TABLES.items():
        columns = ", ".join(f'"{c}"' for c in names)
        db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns}, PRIMARY KEY (id)) WITHOUT ROWID")
        db.execute(f"CREATE INDEX IF NOT EXISTS ix_{name} ON {name} (raw_id)")


def upsert(table: str, columns: list[str]) -> str:
    """Newer replaces older."""
    names = ", ".join(f'"{c}"' for c in columns)
    sets = ", ".join(f'"{c}"=excluded."{c}"' for c in columns[1:])
    marks = ", ".join("?" * len(columns))
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {sets} "
        f"WHERE excluded.updated_at >= {table}.updated_at OR {table}.updated_at IS NULL"
    )


class Client:
    """POSTs JSON over one kept connection a thread."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._local = threading.local()

    def post(self, path: str, body: Any) -> bytes:
        """The answer's body."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            host, port = self._parts.hostname, self._parts.port
            connection = self._local.connection = http.client.HTTPConnection(str(host), port)
        connection.request("POST", f"{self._parts.path}/rest/api/3/{path}", orjson.dumps(body),
                           {"Content-Type": "application/json"})  # fmt: skip
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"{path} answered {answer.status}")
        return bytes(answer.read())


def utc(text: str | None) -> str | None:
    """A stamp as our store writes it."""
    if not text:
        return None
    if text.endswith("+0000"):
        return f"{text[:10]} {text[11:23]}000"
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(" ", "microseconds")[:26]


def name(value: Any) -> str:
    """The name of a person or thing that may be missing."""
    return (value.get("displayName") or value.get("name") or "") if value else ""


def names(values: Any) -> str:
    """Names as a JSON list."""
    return orjson.dumps([v["name"] for v in values or ()]).decode()


def links(values: Any) -> str:
    """Links as a JSON list of words."""
    found = []
    for link in values or ():
        side = "outward" if "outwardIssue" in link else "inward"
        found.append(f"{link['type'][side]} {link[side + 'Issue']['key']}")
    return orjson.dumps(found).decode()


class Floor:
    """Turns issues into rows and writes them."""

    def __init__(self, path: str, site: str) -> None:
        self._site = site
        self._db = sqlite3.connect(path, isolation_level=None)
        schema(self._db)
        self._now = datetime.now(UTC).isoformat(" ", "microseconds")[:26]
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._sql = {t: upsert(t, c) for t, c in [*TABLES.items(), ("raw_record", RAW)]}
        self._rows: dict[str, list[tuple[Any, ...]]] = {t: [] for t in self._sql}

    def add(self, issue: dict[str, Any]) -> None:
        """One issue and its children."""
        fields, ident, now = issue["fields"], issue["id"], self._now
        get = fields.get
        identity = f"{NAME}:issue:{ident}"
        url = f"{self._site}/browse/{issue['key']}"
        updated, project = utc(fields["updated"]), fields["project"]["key"]
        body = self._compress(orjson.dumps(issue))
        logs = (get("worklog") or {}).get("worklogs") or ()
        histories = (issue.get("changelog") or {}).get("histories") or ()
        self._rows["raw_record"].append(
            (identity, NAME, "issue", ident, project, updated, now, "1", None, None, None, b"",
             "", "work_item time_entry field_change", url, body)
        )  # fmt: skip
        status, points = fields["status"], get("customfield_10016")
        self._rows["work_item"].append(
            (identity, NAME, "issue", ident, url, identity, None, None, updated, now, project, "",
             updated, "{}", issue["key"], get("summary") or "",
             TYPE.get(fields["issuetype"]["name"], "other"), fields["issuetype"]["name"],
             STATUS.get(status["statusCategory"]["key"], "todo"), status["name"],
             name(get("resolution")), name(get("priority")),
             None if points is None else str(points),
             get("timeoriginalestimate"), get("timespent"), get("timeestimate"),
             name(get("assignee")), name(get("reporter")), (get("parent") or {}).get("id", ""), "",
             names(get("components")), orjson.dumps(get("labels") or []).decode(),
             names(get("fixVersions")), names(get("customfield_10020")), links(get("issuelinks")),
             utc(get("created")), utc(get("resolutiondate")), get("duedate"))
        )  # fmt: skip
        for log in logs:
            own, at = f"{ident}/{log['id']}", utc(log["updated"])
            self._rows["time_entry"].append(
                (f"{NAME}:issue.time_entry:{own}", NAME, "issue.time_entry", own, url, identity,
                 None, None, at, now, project, "", at, "{}", identity, name(log["author"]), "", "",
                 log["started"][:10], utc(log["started"]), log["timeSpentSeconds"], "")
            )  # fmt: skip
        for history in histories:
            at, author = utc(history["created"]), name(history["author"])
            for item in history["items"]:
                own = f"{ident}/{history['id']}.{item['fieldId']}.0"
                self._rows["field_change"].append(
                    (f"{NAME}:issue.field_change:{own}", NAME, "issue.field_change", own, url,
                     identity, None, None, updated, now, project, "", None, "{}", identity, at,
                     author, item["fieldId"], item["fromString"], item["toString"])
                )  # fmt: skip

    def commit(self, least: int = 1) -> None:
        """Writes what is collected, if it is enough."""
        if len(self._rows["raw_record"]) < least:
            return
        self._db.execute("BEGIN IMMEDIATE")
        for table, rows in self._rows.items():
            self._db.executemany(self._sql[table], rows)
            rows.clear()
        self._db.execute("COMMIT")


def ids(client: Client, jql: str) -> Any:
    """Lists of a hundred ids."""
    body: dict[str, Any] = {"jql": jql, "fields": ["id"], "maxResults": PAGE}
    while True:
        page = orjson.loads(client.post("search/jql", body))
        found = [i["id"] for i in page["issues"]]
        yield from (found[i : i + BULK] for i in range(0, len(found), BULK))
        if not (token := page.get("nextPageToken")):
            return
        body["nextPageToken"] = token


def run(url: str, path: str, projects: Sequence[str], *, since: bool) -> int:
    """Reads everything, or what changed; gives how many issues."""
    client, floor = Client(url), Floor(path, url)
    changed = f' AND updated >= "{CHANGED_SINCE}"' if since else ""
    pages: queue.Queue[bytes | Exception | None] = queue.Queue()
    ahead = threading.BoundedSemaphore(CONNECTIONS * 2)

    def fetch(chunk: list[str]) -> None:
        body = {"issueIdsOrKeys": chunk, "fields": FIELDS, "expand": ["changelog"]}
        try:
            pages.put(client.post("issue/bulkfetch", body))
        except Exception as error:  # noqa: BLE001 - the reading thread raises it
            pages.put(error)

    def list_and_fetch() -> None:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for project in projects:
                for chunk in ids(client, f"project = {project}{changed}"):
                    ahead.acquire()
                    pool.submit(fetch, chunk)
        pages.put(None)

    threading.Thread(target=list_and_fetch, daemon=True).start()
    count = 0
    while (page := pages.get()) is not None:
        if isinstance(page, Exception):
            raise page
        ahead.release()
        for issue in orjson.loads(page)["issues"]:
            floor.add(issue)
            count += 1
        floor.commit(COMMIT)
    floor.commit()
    return count


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("db")
    parser.add_argument("--since", action="store_true")
    parser.add_argument("--projects", default="BEN")
    given = parser.parse_args()
    gc.disable()  # parsed JSON has no cycles; looking for them costs a twentieth
    print(run(given.url, given.db, given.projects.split(","), since=given.since))


if __name__ == "__main__":
    main()
