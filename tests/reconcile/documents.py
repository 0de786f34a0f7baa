"""Contracts, orders and invoices of a world, of one vendor and one day."""

from __future__ import annotations

from datetime import date

from itpm_sync.model import Contract, InvoiceLine, OrderLine

DAY = date(2026, 3, 2)


def contract(world, eur, number="C-1", ceiling="10000", **fields):
    term = {"start": date(2026, 1, 1), "end": date(2026, 12, 31), "vendor": "Acme"}
    world.add(Contract, number, number=number, ceiling=eur(ceiling), **(term | fields))


def invoice(world, eur, number, amount, source_id="", **fields):
    fields = {"vendor": "Acme", "invoiced_on": DAY} | fields
    world.add(InvoiceLine, source_id or number, invoice=number, amount=eur(amount), **fields)


def order(world, eur, number, amount, **fields):
    fields = {"vendor": "Acme", "ordered_on": DAY} | fields
    world.add(OrderLine, number, order=number, amount=eur(amount), **fields)
