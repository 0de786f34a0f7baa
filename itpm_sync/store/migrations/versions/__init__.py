"""One file a migration, never changed after a release."""
