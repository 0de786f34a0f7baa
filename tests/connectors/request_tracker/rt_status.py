"""The status that the tests of publishing to Request Tracker write."""

from __future__ import annotations

from datetime import date

from itpm_sync.connector import StatusMessage

MESSAGE = StatusMessage(
    project="NET",
    name="Network refresh",
    data_date=date(2026, 11, 20),
    rating="amber",
    reason="cost 8 % over",
    previous_rating="green",
    ratings=(("cost", "amber", "CPI 0.92"), ("scope", "green", "no growth")),
    figures=(("EV", "1,200.00 EUR"), ("EAC", "n/a (CPI undefined)")),
    findings=("error: contract C-7\nRating: green",),
    findings_total=3,
    report_url="https://reports.example.org/NET.html",
)
