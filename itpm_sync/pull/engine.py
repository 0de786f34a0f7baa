"""Running a pull: connections and partitions side by side, one writer for all of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from itpm_sync.connector import Connector, Remembering, Stream
from itpm_sync.errors import Stopped, StoreError
from itpm_sync.execute import Inline, threads
from itpm_sync.http import until_stopped
from itpm_sync.mapping import Mapper
from itpm_sync.pull import plan, schedule
from itpm_sync.pull.proving import confirming
from itpm_sync.pull.reading import Progress, Wires, describe
from itpm_sync.pull.remapping import remap
from itpm_sync.pull.result import ConnectionResult, PullResult, StreamResult
from itpm_sync.pull.stream import StreamPull
from itpm_sync.pull.writing import Writer
from itpm_sync.store import ConnectionState, Landed, Store

log = logging.getLogger(__name__)

GRACE_S = 0.7  # in which a stopped run's threads may end; who hangs in a request is left behind
LISTERS = 4  # scopes of a connection that are read side by side
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PullSource:
    """A connection to pull. `open` builds connector and mapper, given `Context.remembered`; it may
    use the network, and its failure is only this connection's. `connections` is how many
    partitions are fetched at once.
    """

    name: str
    open: Callable[[Mapping[str, Any]], tuple[Connector, Mapper]]
    connections: int = 8


def pull(
    store: Store,
    sources: Sequence[PullSource],
    *,
    run: str,
    now: datetime,
    full: bool = False,
    sweep: bool = False,
    sweep_every: timedelta = DAY,
    refresh_every: timedelta = timedelta(0),
    max_deleted_share: float = 0.20,
    confirm: bool = False,
    progress: Progress | None = None,
    inline: bool = False,
    stop: threading.Event | None = None,
    pause: Callable[[float], None] | None = None,
) -> PullResult:
    """Sources → store. A failing connection never stops the others; raises StoreError only.

    `now` is the run's beginning and becomes the checkpoint. `full` ignores checkpoints, `sweep`
    takes a census now, `confirm` believes it whatever it says. Reference streams, what connectors
    remember and counts of single scopes are `refresh_every` old before they are asked for again,
    unless `full` or `sweep`. `inline` does everything in this thread, in order. `stop`, which the
    connectors should watch too, is set when an error or Ctrl-C ends the run; whoever sets it ends
    it. `pause` waits before a partition is tried again.
    """
    policy = plan.Policy(
        run=run, now=now, full=full, sweep=sweep, sweep_every=sweep_every,
        max_deleted_share=max_deleted_share, confirm=confirm, refresh_every=refresh_every,
    )  # fmt: skip
    stop = stop or threading.Event()
    writer = Writer(store, run=run, now=now, stop=stop, inline=inline)
    futures: list[Future[ConnectionResult]] = []
    with _executors(inline, len(sources), stop, futures, writer) as connections:
        puller = _Puller(
            store, policy, writer, stop, progress, inline=inline,
            pause=pause or until_stopped(stop),
        )  # fmt: skip
        futures += [connections.submit(puller.connection, source) for source in sources]
        return PullResult(connections=tuple(future.result() for future in futures))


@contextmanager
def _executors(
    inline: bool, count: int, stop: threading.Event, futures: Sequence[Future[ConnectionResult]],
    writer: Writer,
) -> Iterator[Executor]:  # fmt: skip
    if inline:
        yield Inline()
        return
    connections = ThreadPoolExecutor(max(count, 1), thread_name_prefix="connection")
    try:
        yield connections
    except BaseException:
        stop.set()
        wait(futures, GRACE_S)
        connections.shutdown(wait=False, cancel_futures=True)
        writer.close(wait=False)
        raise
    connections.shutdown()
    writer.close()


@dataclass(frozen=True, slots=True)
class _Puller:
    store: Store
    policy: plan.Policy
    writer: Writer
    stop: threading.Event
    progress: Progress | None
    inline: bool
    pause: Callable[[float], None]

    def connection(self, source: PullSource) -> ConnectionResult:
        """Pulls one connection; raises StoreError and nothing else."""
        try:
            with ExitStack() as stack:
                state = self.store.connection_state(source.name)
                known = schedule.remembered(state, self.policy)
                connector, mapper = source.open(known)
                fetchers: Executor = Inline()
                listers: Executor = Inline()
                if not self.inline:
                    fetchers = stack.enter_context(threads(source.connections, source.name))
                    ahead = min(LISTERS, source.connections)
                    listers = stack.enter_context(threads(ahead, f"{source.name} list"))
                wires = self._wires(source, connector, mapper, fetchers, listers)
                return self._streams(wires, state, _noted(state, connector, known, self.policy.now))
        except StoreError:
            self.stop.set()
            raise
        except Stopped:
            if self.inline:
                raise  # this is the thread that Ctrl-C reaches
            return ConnectionResult(name=source.name, failure="stopped before its end")
        except Exception as error:  # noqa: BLE001 — whatever a connector does, the others go on
            return self._failed(source.name, describe(error))

    def _wires(
        self,
        source: PullSource,
        connector: Connector,
        mapper: Mapper,
        fetchers: Executor,
        listers: Executor,
    ) -> Wires:
        return Wires(
            name=source.name, connector=connector, mapper=mapper, store=self.store,
            run=self.policy.run, now=self.policy.now, fetchers=fetchers, listers=listers,
            writer=self.writer, progress=self.progress, stop=self.stop, pause=self.pause,
        )  # fmt: skip

    def _failed(self, name: str, message: str) -> ConnectionResult:
        """Nothing could be read: what was known stays, but is no longer proved."""
        proofs = [
            replace(known, complete=False, note=message) for known in self.store.coverage(name)
        ]
        run, now = self.policy.run, self.policy.now
        self.writer.submit(lambda: self.store.put_completeness(run, proofs, now)).result()
        log.error("%s: %s", name, message)
        return ConnectionResult(name=name, failure=message)

    def _streams(
        self, wires: Wires, stored: ConnectionState, state: ConnectionState
    ) -> ConnectionResult:
        streams = wires.connector.streams()
        proofs = self.store.coverage(wires.name)
        remapped = wires.write(partial(self._keep_state, wires, stored, state, streams)).result()
        results: list[StreamResult] = []
        last: Exception | None = None
        for stream in streams:
            pulled = StreamPull(wires, stream, self.policy, proofs)
            if pulled.is_due:
                if wires.progress is not None:
                    wires.progress.update(wires.name, stream.name, 0, None)
                result, last = pulled.run(last)
                log.info("%s: %s", wires.name, result.message)
                results.append(result)
        named = {stream.name for stream in streams}
        hidden = wires.write(partial(self._hide_dropped, wires, named)).result()
        return ConnectionResult(
            name=wires.name,
            streams=(*results, *hidden),
            remapped=remapped,
            quarantine=tuple(r.message for r in self.store.rejected(wires.name) if not r.soft),
            confirm=confirming(wires.name),
        )

    def _hide_dropped(self, wires: Wires, named: Collection[str]) -> tuple[StreamResult, ...]:
        """Marks the records of streams that the configuration no longer names."""
        dropped = [s for s in self.store.streams(wires.name) if s not in named]
        return tuple(
            StreamResult(
                stream=stream, scopes=(), landed=Landed(),
                hidden=self.store.hide_stream(wires.name, stream, at=wires.now),
            )
            for stream in dropped
        )  # fmt: skip

    def _keep_state(
        self,
        wires: Wires,
        stored: ConnectionState,
        state: ConnectionState,
        streams: Sequence[Stream],
    ) -> int:
        """Notes mapping and streams; a changed mapping re-reads everything stored. Gives what
        changed."""
        mapper, changed = wires.mapper, 0
        if state.fingerprint not in {"", mapper.fingerprint}:
            changed = remap(self.store, wires.name, mapper, now=wires.now, run=wires.run).changed
            log.info("%s: mapping changed: %d records", wires.name, changed)
        known = replace(
            state,
            fingerprint=mapper.fingerprint,
            variables=dict(wires.connector.variables()),
            streams={stream.name: list(plan.scopes_of(stream)) for stream in streams},
        )
        if known != stored:
            self.store.put_connection_state(known, wires.now)
        return changed


def _noted(
    state: ConnectionState, connector: Connector, known: Mapping[str, Any], now: datetime
) -> ConnectionState:
    """With what the connector remembers now; what it was given back ages on."""
    if not isinstance(connector, Remembering):
        return state
    memory = dict(connector.remember())
    if known and memory == known:
        return state
    return replace(state, memory=memory, remembered_at=now)
