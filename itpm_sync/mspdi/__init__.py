"""Microsoft Project XML (MSPDI) → tasks, their saved baselines and the calendars, as frozen values.

The format is that of `mspdi_pj12.xsd` and later, in the namespace
`http://schemas.microsoft.com/project`, as Microsoft Project, ProjectLibre and others write it.
Amounts stand in hundredths of the currency, work in ISO 8601 durations, times are the plan's own
local ones. The file is untrusted: no DTD, no entities, limits on size and number.
"""

from itpm_sync.mspdi.calendars import WorkingTime
from itpm_sync.mspdi.elements import MAX_BYTES, Mistake
from itpm_sync.mspdi.reading import SCHEDULE, PlanFile, Segment, Task, read_plan

__all__ = [
    "MAX_BYTES",
    "SCHEDULE",
    "Mistake",
    "PlanFile",
    "Segment",
    "Task",
    "WorkingTime",
    "read_plan",
]
