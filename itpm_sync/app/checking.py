"""`check` and `connectors`: what is installed, and whether the configured connections work."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from itpm_sync.app.session import Session
from itpm_sync.config import Connection
from itpm_sync.connector import CheckItem, Connector, ConnectorInfo, installed
from itpm_sync.errors import ItpmError


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """What `check` found about a connection."""

    name: str
    connector: str
    items: tuple[CheckItem, ...]

    @property
    def ok(self) -> bool:
        """True if every item holds."""
        return all(i.ok for i in self.items)


def check(session: Session, names: Collection[str] = ()) -> tuple[ConnectionCheck, ...]:
    """Checks each connection; the configuration and its mappings are valid already."""
    chosen = session.select(names)
    with ThreadPoolExecutor(max_workers=min(8, len(chosen))) as pool:
        return tuple(pool.map(lambda c: _check_one(session, c), chosen))


def _check_one(session: Session, connection: Connection) -> ConnectionCheck:
    clean = session.redactor.clean
    try:
        connector = session.connector(connection.name)
        items = [
            CheckItem(i.name, i.ok, clean(i.detail), clean(i.advice)) for i in connector.check()
        ]
        if all(i.ok for i in items):
            items.append(_check_mapping(session, connection, connector))
        items += _check_addresses(session, connection.name, connector)
    except ItpmError as error:
        items = [CheckItem("connection", ok=False, detail=clean(str(error)))]
    return ConnectionCheck(connection.name, connection.connector.info.name, tuple(items))


def _check_mapping(session: Session, connection: Connection, connector: Connector) -> CheckItem:
    mapper = session.mapper(connection)
    unmapped = [s.name for s in connector.streams() if not mapper.kinds(s.name)]
    if unmapped:
        advice = "add a rule for each under `streams:` of the mapping"
        detail = f"no rule for {', '.join(unmapped)}"
        return CheckItem("mapping", ok=False, detail=detail, advice=advice)
    return CheckItem("mapping", ok=True, detail=f"{len(mapper.streams)} streams")


UNTRIED = "whether it is there says itpm-sync publish --dry-run"


def _check_addresses(session: Session, name: str, connector: Connector) -> Iterator[CheckItem]:
    publisher = connector.publisher()
    for project in session.config.root.projects:
        for target in project.publish:
            if target.connection == name and publisher is not None:
                wrong = publisher.validate_address(target.address)
                what = f"publish {project.code} → {target.address}"
                detail, advice = (wrong, "") if wrong else ("a valid address", UNTRIED)
                yield CheckItem(what, ok=wrong is None, detail=detail, advice=advice)


def connectors() -> tuple[ConnectorInfo, ...]:
    """Every installed connector."""
    return tuple(point.load().info for point in installed().values())
