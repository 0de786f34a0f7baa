"""Raw record → model, driven by mapping YAML.

A mapping is plain data (the format is described in docs/configuration.md): per stream a list of
rules, each of which makes one record, or with `each` one child per element of a list. It is
compiled once into a function a rule; every mistake in it is a `Problem` with its path, so that the
caller can say file, line and column. `Mapper.fingerprint` changes exactly when the result could.

A conversion that fails raises RecordError, which quarantines the whole raw record; with `soft:
true` only that field is left empty and the problem is returned beside the records.
"""

from itpm_sync.mapping.applying import Mapped, Mapper
from itpm_sync.mapping.compiling import compile_mapping

__all__ = ["Mapped", "Mapper", "compile_mapping"]
