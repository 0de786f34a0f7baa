"""The only SQL: schema, queries, migrations."""
