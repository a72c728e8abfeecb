"""The command line of central over a database server: one variable, the same commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from central.__main__ import cli
from tests.postgres_server import Cluster

CENTRAL = "KM0000"


def run(url: str, *arguments: str, expect: int = 0) -> dict[str, Any]:
    """Run a command with --json over the database at `url` and return its answer."""
    result = CliRunner().invoke(cli, [*arguments, "--json"], obj=url)
    assert expect == result.exit_code, result.output
    answer: dict[str, Any] = json.loads(result.output)
    return answer


@pytest.fixture
def url(cluster: Cluster) -> str:
    """Where an empty database on a server is."""
    return cluster.database()


def test_central_is_built_up_in_a_servers_database(tmp_path: Path, url: str) -> None:
    """Init, import, publish and status work as on a file, and there is no file."""
    data = str(tmp_path / "data")
    run(url, "init", "--data", data, "--station", CENTRAL)
    run(url, "catalogue", "import", "--data", data)
    assert run(url, "publish", "--data", data)["changed"] > 0
    assert run(url, "publish", "--data", data)["changed"] == 0
    answer = run(url, "status", "--data", data)
    assert answer["station"] == CENTRAL
    assert len(answer["registers"]) > 5
    assert not (tmp_path / "data" / "node.db").exists()


def test_doctor_names_a_server_that_may_lose_what_it_called_saved(
    tmp_path: Path, cluster: Cluster, url: str
) -> None:
    """fsync off is a finding with its step; turned on, the finding is good."""
    data = str(tmp_path / "data")
    run(url, "init", "--data", data, "--station", CENTRAL)

    def commits() -> dict[str, Any]:
        findings = CliRunner().invoke(cli, ["doctor", "--data", data, "--json"], obj=url).output
        return next(f for f in json.loads(findings)["findings"] if f["name"] == "commits")

    assert not commits()["ok"]
    assert "fsync" in commits()["step"]
    cluster.keep_commits("on")
    try:
        assert commits()["ok"]
    finally:
        cluster.keep_commits("off")


def test_a_database_in_use_is_not_taken_over(tmp_path: Path, url: str) -> None:
    """A second central is not founded in the first one's database; no key is made for it."""
    run(url, "init", "--data", str(tmp_path / "first"), "--station", CENTRAL)
    answer = run(url, "init", "--data", str(tmp_path / "second"), "--station", "XX0000", expect=1)
    assert answer["code"] == "database_in_use"
    assert CENTRAL in answer["sentence"]
    assert not (tmp_path / "second").exists()


def test_without_its_server_nothing_is_founded(tmp_path: Path) -> None:
    """The sentence says that the server does not answer; a later init starts from nothing."""
    url = "postgresql://yizhan@127.0.0.1:1/none"
    answer = run(url, "init", "--data", str(tmp_path / "data"), "--station", CENTRAL, expect=4)
    assert answer["code"] == "database_unreachable"
    assert not (tmp_path / "data").exists()
