"""The PostgreSQL of the system tests is real and takes SQLAlchemy's URL."""

from __future__ import annotations

import pytest
import sqlalchemy

pytestmark = pytest.mark.systems


def test_a_private_postgresql_answers_over_psycopg(postgresql_url: str) -> None:
    engine = sqlalchemy.create_engine(postgresql_url)
    with engine.connect() as connection:
        version = connection.execute(sqlalchemy.text("show server_version")).scalar_one()
    engine.dispose()
    assert engine.dialect.driver == "psycopg"
    assert int(version.split(".")[0]) >= 14
