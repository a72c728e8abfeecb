"""Steps 7 to 9: the road to the district returns, the result is delivered, all nodes agree."""

from __future__ import annotations

from demo.browser import Answer, wait_until
from demo.person import WAIT_SECONDS, Person
from demo.places import (
    BY_CODE,
    CENTRAL,
    DISTRICT,
    DOUNAN,
    LONGCHENG,
    PASSWORD,
    VILLAGE,
    VILLAGE_2,
    VILLAGE_3,
)
from demo.problems import CheckFailedError
from demo.story.cast import Story, case_path, facts, held
from demo.story.township import OPINION

HASH_SHOWN = 12
CONCERNED = (VILLAGE, DOUNAN, DISTRICT, CENTRAL)
NOT_CONCERNED = (LONGCHENG, VILLAGE_2, VILLAGE_3)


def decided_by_district(story: Story) -> str:
    """(7) The district decides, the official number arrives, the delivery goes to the village."""
    number, path = story.receipt_no, case_path(story.receipt_no)
    story.town.restore(DOUNAN)
    facts(story.decider, number, "区里已接收办理权", holder=DISTRICT, status="审查中")
    story.decider.sees(path, OPINION)
    story.decider.sees("/review", number)
    decision = {"result": "准予", "password": PASSWORD}
    story.decider.press(path, "/acts/decided", decision)
    story.issuer.sees("/issue", number)
    story.show("issue", story.issuer, "/issue")
    story.issuer.press(path, "/acts/closed", {"note": "批准文书已制作(演示)"})
    facts(story.clerk, number, "办结已到村里", status="办结", result="准予")

    def numbered() -> str:
        return str(facts(story.clerk, number, "办件编号")["official_no"] or "")

    story.official_no = wait_until(lambda: numbered() or None, WAIT_SECONDS, "办件编号到村里")
    story.clerk.sees(path, story.official_no)
    story.clerk.sees("/issue", number)
    return f"区里准予并办结;办件编号 {story.official_no} 和送达任务都到了村里"


def delivered_by_village(story: Story) -> str:
    """(8) The village delivers; both numbers find the case, at the village and at the district."""
    path = case_path(story.receipt_no)
    report = {"result": "已送达", "recipient": story.applicant, "how": "窗口领取"}
    story.clerk.press(path, "/acts/task_reported", report)
    for person in (story.decider, story.reviewer, story.clerk):
        facts(person, story.receipt_no, "已送达", status="已送达")
        for number in (story.receipt_no, story.official_no):
            _find(person, "/", number, story)
    for number in (story.receipt_no, story.official_no):
        _find(story.supervisor, "/find", number, story)
    story.show("case", story.clerk, path)
    story.show("case-history", story.clerk, path, end=True)
    story.show("my-cases", story.clerk, "/cases?tab=已办结")
    return "村里送达;收件编号和办件编号在村、街道、区、中心都能找到这一件"


def _find(person: Person, page: str, number: str, story: Story) -> Answer:
    """Type a number into the page's own form and see both numbers of the case."""
    found = person.press(page, "/find", {"q": number})
    for shown in (story.receipt_no, story.official_no):
        if not found.page.says(shown):
            raise CheckFailedError(f"{person.station.place.name} 用 {number} 没有找到 {shown}")
    return found


def one_state_everywhere(story: Story) -> str:
    """(9) The same state by hash at the four stations of the case; nothing of it anywhere else."""

    def agreed() -> tuple[str, int] | None:
        found = {
            (
                str(facts(story.at(code), story.receipt_no, "办件状态")["state_hash"]),
                held(story.at(code), story.stream),
            )
            for code in CONCERNED
        }
        return found.pop() if len(found) == 1 else None

    same, count = wait_until(agreed, WAIT_SECONDS, "村、街道、区、中心的办件状态一致")
    if not same or not count:
        raise CheckFailedError("办件状态没有指纹")
    for code in NOT_CONCERNED:
        elsewhere = held(story.at(code), story.stream)
        if elsewhere:
            raise CheckFailedError(f"{BY_CODE[code].name} 不该有这一件,却持有 {elsewhere} 条")
    story.show("sync-online", story.clerk, "/sync")
    story.show("central-tree", story.supervisor, "/")
    story.show("central-registers", story.supervisor, "/registers")
    story.show("central-sticks", story.supervisor, "/sticks")
    story.show("central-doubts", story.supervisor, "/doubts")
    story.show("recovered", story.clerk, "/recovered")
    return f"四站状态相同({same[:HASH_SHOWN]}…),各 {count} 条;其他站点 0 条"
