"""Which ids a listing has given already, in memory that hardly grows with the source."""

from __future__ import annotations

from collections.abc import Iterable

_BITS = 2_048  # ids a block: small enough for sparse ids, big enough for few blocks


class SeenIds:
    """Remembers ids. Those of Jira are numbers, a project's mostly close together: a bit each, in
    blocks. A million of them take under a megabyte, or 20 where only every hundredth id is ours.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, int] = {}
        self._odd: set[str] = set()

    def fresh(self, ids: Iterable[str]) -> list[str]:
        """Those not seen before, each once and in their order; they are seen from now on."""
        return [ident for ident in ids if self._is_new(ident)]

    def _is_new(self, ident: str) -> bool:
        if not (ident.isascii() and ident.isdecimal() and len(ident) < 19 and ident[0] != "0"):
            new = ident not in self._odd
            self._odd.add(ident)
            return new
        block, bit = divmod(int(ident), _BITS)
        known = self._blocks.get(block, 0)
        if known >> bit & 1:
            return False
        self._blocks[block] = known | 1 << bit
        return True
