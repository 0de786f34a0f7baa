"""The formula of an explanation as a calculator reads it."""

from __future__ import annotations

import re
from fractions import Fraction

from itpm_sync.reconcile.explanation import Explanation


def evaluated(found: Explanation) -> Fraction:
    """The formula, computed anew from its own words and the values of its inputs."""
    values = {p.symbol: p.value for p in found.inputs}
    words = "|".join(re.escape(s) for s in sorted(values, key=len, reverse=True))
    text = re.sub(rf"(?<!\w)(?:{words})(?!\w)", lambda m: f"F('{values[m[0]]}')", found.formula)
    text = re.sub(r"(?<![\w'/.])(\d+(?:\.\d+)?)(?![\w'/.])", r"F('\1')", text)
    return eval(text.replace("−", "-").replace("·", "*"), {"F": Fraction})  # noqa: S307
