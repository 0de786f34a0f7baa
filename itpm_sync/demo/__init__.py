"""An invented twelve-week IT programme, for the demo: three projects in three currencies,
and the small ones around them that stand in spreadsheets only.

*Network refresh* waits for a late supplier, *Service desk migration* grows, *Data platform* has a
contract about to lapse and tickets that nobody planned. The programme is in its tenth week on the
day that is given. Everything is a value of the unified model or a file's rows: whichever sandboxes
are installed serve the tickets, so that the demo names no outside system.

`plan` is what was planned, `tickets` and `office` what became of it, `world` all of it on one day;
`writing` puts the office's files on disk, `settings` writes the configuration.
"""

from itpm_sync.demo.plan import RE_PLANNED
from itpm_sync.demo.settings import configuration, yaml_block
from itpm_sync.demo.world import Programme, changed_ticket, local_today, programme
from itpm_sync.demo.writing import write_files

__all__ = [
    "RE_PLANNED",
    "Programme",
    "changed_ticket",
    "configuration",
    "local_today",
    "programme",
    "write_files",
    "yaml_block",
]
