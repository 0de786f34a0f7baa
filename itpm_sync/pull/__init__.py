"""Pulling: plan → fetch → land → sweep → prove, for every connection.

At-least-once, and it converges: pages are landed idempotently, and a scope's checkpoint advances,
to the run's beginning and never later, only after all of its partitions have been landed. Killed
at any instant, the next run reads again from the former checkpoint.

`plan` decides (pure), `reading` fetches and lands one scope, `sweeping` compares censuses,
`engine` runs streams and connections side by side, `remapping` maps stored raw records anew.
"""

from itpm_sync.pull.engine import PullSource, pull
from itpm_sync.pull.reading import Progress
from itpm_sync.pull.remapping import Remapped, remap
from itpm_sync.pull.result import ConnectionResult, PullResult, ScopeResult, StreamResult

__all__ = [
    "ConnectionResult",
    "Progress",
    "PullResult",
    "PullSource",
    "Remapped",
    "ScopeResult",
    "StreamResult",
    "pull",
    "remap",
]
