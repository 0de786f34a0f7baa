"""The connectors that ship with ITPM Sync, one package per outside system."""
