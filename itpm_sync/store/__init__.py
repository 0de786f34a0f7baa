"""The store: the only SQL of the product. Use `Store`; the rest is inside."""

from itpm_sync.store.lock import RunLock, run_is_gone
from itpm_sync.store.making import Made, made
from itpm_sync.store.preparing import PreparedPage
from itpm_sync.store.store import Store
from itpm_sync.store.values import (
    Added,
    BaselineLine,
    Checkpoint,
    Completeness,
    ConnectionState,
    GateRecord,
    Landed,
    MakeOf,
    MapRecord,
    OutboxRow,
    Provenance,
    RejectedRecord,
    Run,
    ScopeCensus,
    Stats,
    StoredBaseline,
    StoredRaw,
    StoredSnapshot,
)

__all__ = [
    "Added",
    "BaselineLine",
    "Checkpoint",
    "Completeness",
    "ConnectionState",
    "GateRecord",
    "Landed",
    "Made",
    "MakeOf",
    "MapRecord",
    "OutboxRow",
    "PreparedPage",
    "Provenance",
    "RejectedRecord",
    "Run",
    "RunLock",
    "ScopeCensus",
    "Stats",
    "Store",
    "StoredBaseline",
    "StoredRaw",
    "StoredSnapshot",
    "made",
    "run_is_gone",
]
