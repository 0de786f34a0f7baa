"""What commands print: tables and progress on a terminal, plain lines in a pipe, JSON where asked.

A job that went well prints nothing in a pipe, so that cron sends mail only when somebody is needed.
"""

from itpm_sync.output.console import Output

__all__ = ["Output"]
