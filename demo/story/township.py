"""Steps 4 to 6: the township works with its village while it is cut off from the district."""

from __future__ import annotations

import time

from demo.places import BY_CODE, DISTRICT, DOUNAN, VILLAGE
from demo.problems import CheckFailedError
from demo.story.cast import Story, case_path, facts, knows, must_say
from demo.story.offline import SAVED_HERE, VOID_WAITING

DEFECT = "社会保障卡复印件看不清账号,请重新复印一份(演示)"
BROUGHT = "重新复印的社会保障卡已收到(演示)"
OPINION = "年龄和户籍符合条件(演示)"
RELAYED = f"已传到{BY_CODE[DOUNAN].name},等它转报"
UNSENT = f"{SAVED_HERE},还没有传到{BY_CODE[DISTRICT].name}"


def township_has_custody(story: Story) -> str:
    """(4) The village's link returns: the township holds the case and tells a defect."""
    clerk, reviewer, number = story.clerk, story.reviewer, story.receipt_no
    story.town.restore(VILLAGE)
    facts(reviewer, number, "街道已接收办理权", holder=DOUNAN, status="已收件")
    reviewer.sees("/review", number)
    path = case_path(number)
    told = {"defect_material": "M3", "defect_problem": DEFECT}
    reviewer.press(path, "/acts/defects_told", told)
    clerk.sees(path, "待补正", DEFECT)
    clerk.sees("/pending", number)
    story.show("pending", clerk, "/pending")
    _mistakes_confirmed(story)
    if knows(story.decider, number):
        raise CheckFailedError("街道到区里的线路断着,区里却已经有这一件")
    return "办理权到了街道;一次性告知已在村里的页面上;误收的件经街道确认作废"


def _mistakes_confirmed(story: Story) -> None:
    """The holder's node has confirmed: both pages say voided, neither still waiting."""
    for person in (story.reviewer, story.clerk):
        for number in (story.mistake_held, story.mistake_offered):
            page = person.sees(case_path(number), "结果:作废")
            if page.page.says(VOID_WAITING):
                raise CheckFailedError(f"{number} 已作废,页面却还说{VOID_WAITING}")


def accepted_without_district(story: Story) -> str:
    """(5) The paper comes in at the village; the township completes, accepts, reviews."""
    clerk, reviewer, number = story.clerk, story.reviewer, story.receipt_no
    path = case_path(number)

    def brought() -> bool:
        return clerk.open(path).page.says(BROUGHT)

    clerk.press(
        path,
        "/acts/supplement_received",
        {"material_M3": "已收", "note": BROUGHT},
        saved=lambda: clerk.open(path) if brought() else None,
    )
    reviewer.sees(path, BROUGHT)
    reviewer.press(path, "/acts/supplement_complete", {})
    reviewer.press(path, "/acts/accepted", {"kind": "普通"})
    facts(clerk, number, "街道已受理", status="已受理", holder=DOUNAN)
    clerk.sees(path, RELAYED)
    if knows(story.decider, number):
        raise CheckFailedError("街道到区里的线路断着,区里却已经有这一件")
    story.show("case-relayed", clerk, path)
    story.show("review", reviewer, "/review")
    reviewer.press(path, "/acts/step_done", {"result": "符合", "note": OPINION})
    return f"街道补齐、受理、初审,都没有用到区里;村里的页面说“{RELAYED}”"


def killed_before_sending(story: Story) -> str:
    """(6) `kill -9` of the township right after its act was saved and before it was sent."""
    began = time.monotonic()
    story.town[DOUNAN].kill()
    if knows(story.decider, story.receipt_no):
        raise CheckFailedError("街道的初审还没有发出,区里却已经有这一件")
    story.town.restart(DOUNAN)
    path = case_path(story.receipt_no)
    page = story.reviewer.sees(path, "审查中", OPINION)
    must_say(page, UNSENT)
    story.clerk.sees(path, "审查中", OPINION)
    seconds = time.monotonic() - began
    return f"街道的节点被杀掉后重新启动,{seconds:.1f} 秒后初审还在街道和村里的页面上,区里还没有"
