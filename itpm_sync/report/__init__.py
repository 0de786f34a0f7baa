"""The weekly report, built from a snapshot and nothing else."""
