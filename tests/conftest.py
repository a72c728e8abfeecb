"""A skip is a failure where everything is there: `.ci/run` sets REQUIRE_ALL=1."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import structlog

from tests.postgres_server import Cluster


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one when nothing may be missing."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1, but this was skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run; starting one takes some seconds."""
    started = Cluster()
    yield started
    started.close()


@pytest.fixture(scope="session", autouse=True)
def _loggers_follow_each_test() -> Iterator[None]:
    """Keep a program started inside one test from fixing where later tests' lines go."""
    configure = structlog.configure

    def uncached(**settings: Any) -> None:
        configure(**{**settings, "cache_logger_on_first_use": False})

    structlog.configure = uncached
    yield
    structlog.configure = configure
