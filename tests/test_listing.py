"""Lists within a sentence: the first few, and how many more."""

from __future__ import annotations

import pytest

from itpm_sync.errors import up_to


@pytest.mark.parametrize(
    ("texts", "separator", "told"),
    [
        ([], ", ", ""),
        (["A"], ", ", "A"),
        (["A", "B"], ", ", "A, B"),
        (["A", "B", "C"], ", ", "A, B and 1 more"),
        (["A", "B", "C"], "; ", "A; B; and 1 more"),
        (["A"] * 1_202, ", ", "A, A and 1,200 more"),
    ],
)
def test_a_long_list_names_its_first_and_counts_the_rest(
    texts: list[str], separator: str, told: str
) -> None:
    assert up_to(2, texts, separator) == told
