"""What a publication writes, as lines: what stands there beside what is wanted. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.markup import escape

if TYPE_CHECKING:
    from itpm_sync.publish import PublishResult, Step

_COLOURS: Mapping[str, str] = MappingProxyType({"+": "green", "-": "red"})


def difference(step: Step) -> Iterator[str]:
    """What would go (`-`) and come (`+`), with a line of what stays around it."""
    old, new = step.text_now.splitlines(), step.text.splitlines()
    for number, line in enumerate(difflib.unified_diff(old, new, n=1, lineterm="")):
        if number < 2:
            continue  # its heading names files
        if line.startswith("@@"):
            if number > 2:
                yield "    …"
            continue
        text, colour = escape(f"    {line[0]} {line[1:]}".rstrip()), _COLOURS.get(line[0])
        yield f"[{colour}]{text}[/]" if colour else text


def data(result: PublishResult) -> dict[str, Any]:
    """The plan or its outcome as plain values; `target` is what `--take-over` takes."""
    return {
        "dry_run": result.dry_run,
        "stop": str(result.stop) if result.stop else "",
        "steps": [
            {
                "target": s.target.id, **asdict(s.target), "action": s.action.value,
                "reason": s.reason, "text": s.text, "text_now": s.text_now,
            }
            for s in result.steps
        ],
    }  # fmt: skip
