"""ITPM Sync: one project model out of many systems, reconciled against the plan."""
