"""CSV and Excel files: plans, contracts, orders, invoices, time, rates, risks."""
