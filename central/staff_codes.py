"""staff-code: a one-time code with which a member of central's staff sets a password."""

from __future__ import annotations

from pathlib import Path

import click

from central.answers import REFUSED, Answer
from central.cli import as_json_option, cli, data_option, opened
from node.accounts import issue_code


@cli.command(name="staff-code")
@click.argument("staff_no")
@data_option
@as_json_option
def staff_code(staff_no: str, data: Path, as_json: bool) -> None:
    """给中心的工作人员一个一次性代码,24 小时内用它设置密码。须已在发布的人员目录里。"""
    answer = Answer(as_json)
    with answer.refusals(), opened(data) as node:
        now = node.clock_ms()
        with node.database.write() as transaction:
            found = node.desk.registry(transaction, now).staff(staff_no)
            if found is None or found.station != node.core.station:
                answer.end(
                    REFUSED,
                    "unknown_staff",
                    f"工号 {staff_no} 不在已发布的中心人员里,没有给代码。",
                )
            code = issue_code(transaction, staff_no, now)
        answer.say(
            {"staff_no": staff_no, "code": code},
            [f"工号 {staff_no} 的一次性代码:{code}", "24 小时内有效,只能用一次。"],
        )
