"""The floor: the least program that reads all issues and stores what we store.

`python -m benchmarks.floor URL DB [--since]`. Eight keep-alive connections (http.client) fetch ids
in pages of 5,000 and bodies by the hundred; one writer parses (orjson), compresses (zstd level 1)
and upserts the same rows and columns as our store into SQLite (WAL), with the same indexes. It
knows one project, one mapping, no retry, no rate limit, no redirect, no history, no deletion, no
quarantine, no proof: what it does not do is what the ratio pays for.
"""

from __future__ import annotations

import argparse
import http.client
import queue
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import zstandard

CONNECTIONS = 8
PAGE, BULK, COMMIT = 5_000, 100, 2_000
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
        return bytes(connection.getresponse().read())


def utc(text: str | None) -> str | None:
    """A stamp as our store writes it."""
    if text is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(" ", "microseconds")[:26]


def name(value: Any) -> str:
    """The name of a person or thing that may be missing."""
    return (value.get("displayName") or value.get("name") or "") if value else ""


def names(values: Any) -> str:
    """Names as a JSON list."""
    return orjson.dumps([v["name"] for v in values or ()]).decode()


class Floor:
    """Turns issues into rows and writes them."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        schema(self._db)
        self._now = datetime.now(UTC).isoformat(" ", "microseconds")[:26]
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._sql = {t: upsert(t, c) for t, c in [*TABLES.items(), ("raw_record", RAW)]}
        self._rows: dict[str, list[tuple[Any, ...]]] = {t: [] for t in self._sql}

    def add(self, issue: dict[str, Any]) -> None:
        """One issue and its children."""
        fields, ident, now = issue["fields"], issue["id"], self._now
        identity = f"jira:issue:{ident}"
        url = f"https://bench.example.org/browse/{issue['key']}"
        updated, project = utc(fields["updated"]), fields["project"]["key"]
        body = self._compress(orjson.dumps(issue))
        self._rows["raw_record"].append(
            (identity, "jira", "issue", ident, project, updated, now, "1", None, None, None, b"",
             "", "work_item time_entry field_change", url, body)
        )  # fmt: skip
        status = fields["status"]
        self._rows["work_item"].append(
            (identity, "jira", "issue", ident, url, identity, None, None, updated, now, project, "",
             updated, "{}", issue["key"], fields["summary"],
             TYPE.get(fields["issuetype"]["name"], "other"), fields["issuetype"]["name"],
             STATUS[status["statusCategory"]["key"]], status["name"], name(fields["resolution"]),
             name(fields["priority"]), str(fields.get("customfield_10016")),
             fields["timeoriginalestimate"], fields["timespent"], fields["timeestimate"],
             name(fields["assignee"]), name(fields["reporter"]),
             (fields["parent"] or {}).get("id", ""), "", names(fields["components"]),
             orjson.dumps(fields["labels"]).decode(), names(fields["fixVersions"]),
             names(fields["customfield_10020"]), "[]", utc(fields["created"]),
             utc(fields["resolutiondate"]), fields["duedate"])
        )  # fmt: skip
        for log in fields["worklog"]["worklogs"]:
            own, at = f"{ident}/{log['id']}", utc(log["updated"])
            self._rows["time_entry"].append(
                (f"jira:issue.time_entry:{own}", "jira", "issue.time_entry", own, url, identity,
                 None, None, at, now, project, "", at, "{}", identity, name(log["author"]), "", "",
                 log["started"][:10], utc(log["started"]), log["timeSpentSeconds"], "")
            )  # fmt: skip
        for history in issue["changelog"]["histories"]:
            for item in history["items"]:
                own = f"{ident}/{history['id']}.{item['fieldId']}.0"
                self._rows["field_change"].append(
                    (f"jira:issue.field_change:{own}", "jira", "issue.field_change", own, url,
                     identity, None, None, updated, now, project, "", None, "{}", identity,
                     utc(history["created"]), name(history["author"]), item["fieldId"],
                     item["fromString"], item["toString"])
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


def run(url: str, path: str, *, since: bool) -> int:
    """Reads everything, or what changed; gives how many issues."""
    client, floor = Client(url), Floor(path)
    jql = "project = BEN" + (' AND updated >= "2026-01-01 00:00"' if since else "")
    pages: queue.Queue[bytes | None] = queue.Queue(16)
    ahead = threading.BoundedSemaphore(CONNECTIONS * 2)

    def fetch(chunk: list[str]) -> None:
        body = {"issueIdsOrKeys": chunk, "fields": FIELDS, "expand": ["changelog"]}
        pages.put(client.post("issue/bulkfetch", body))
        ahead.release()

    def list_and_fetch() -> None:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for chunk in ids(client, jql):
                ahead.acquire()
                pool.submit(fetch, chunk)
        pages.put(None)

    threading.Thread(target=list_and_fetch, daemon=True).start()
    count = 0
    while (page := pages.get()) is not None:
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
    given = parser.parse_args()
    print(run(given.url, given.db, since=given.since))


if __name__ == "__main__":
    main()
