"""Reconciliation of cost and scope against the plan: pure functions of frozen inputs."""
