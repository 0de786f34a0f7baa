"""`python -m itpm_sync.cli` is `itpm-sync`."""

from itpm_sync.cli import main

main()
