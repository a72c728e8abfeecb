"""Steps 1 to 3: two roads are cut, a case is taken in and printed, mistakes are voided."""

from __future__ import annotations

from demo.places import BY_CODE, DISTRICT, DOUNAN, VILLAGE, VILLAGE_2
from demo.problems import CheckFailedError
from demo.story.cast import Story, case_path, facts, knows, must_not_say, must_say
from demo.story.intake import identity_number, read_slip, receipt_number, take_in

ALLOWANCE = "CG-MZ-0101"
CARE = "CG-MZ-0106"
APPLICANT = "何秀英(演示)"
MISTAKEN = "段有才(演示)"
MISTAKEN_2 = "普忠明(演示)"
ALLOWANCE_MATERIALS = ("居民身份证", "居民户口簿", "社会保障卡(银行账户)")
HAVE = "已收"
SAVED_HERE = "已保存在本站"
VOID_WAITING = "作废已申请,待确认"
BEYOND = ("✓", "已传到", "已到中心", "已备份", "已上报")


def cut_off(story: Story) -> str:
    """(1) 斗南 is cut off from the district, and one of its villages from 斗南."""
    town = story.town
    town.cut(DOUNAN)
    town.cut(VILLAGE)
    story.clerk.sees("/sync", f"{BY_CODE[DOUNAN].name}没有应答")
    story.reviewer.sees("/sync", f"{BY_CODE[DISTRICT].name}没有应答")
    story.at(VILLAGE_2).sees("/sync", f"{BY_CODE[DOUNAN].name}有应答")
    story.show("sync-offline", story.clerk, "/sync")
    return "村和街道的页面都说出了没有应答的是谁;另一个村与街道照常来往"


def take_in_offline(story: Story) -> str:
    """(2) The clerk finds the matter by its initials, takes the case in and prints."""
    clerk = story.clerk
    found = clerk.press("/", "/matters", {"q": "gljt"})
    must_say(found, "高龄津贴")
    if f"/matters/{ALLOWANCE}" not in found.page.links:
        raise CheckFailedError(f"用 gljt 没有找到 {ALLOWANCE}:{found.page.links}")
    matter = clerk.open(f"/matters/{ALLOWANCE}")
    must_say(matter, "代收", "演示", *ALLOWANCE_MATERIALS)
    if f"/intake/{ALLOWANCE}" not in matter.page.links:
        raise CheckFailedError("事项页面上没有受理的按钮")
    story.show("search", clerk, "/matters?q=gljt")
    story.show("matter", clerk, f"/matters/{ALLOWANCE}")
    story.show("intake", clerk, f"/intake/{ALLOWANCE}")
    id_no = identity_number("19400315", 2)
    ticks = {"M1": HAVE, "M2": HAVE, "M3": HAVE}
    done = take_in(clerk, ALLOWANCE, APPLICANT, id_no, ticks)
    story.receipt_no, story.applicant = receipt_number(done), APPLICANT
    must_say(done, SAVED_HERE)
    must_not_say(done, *BEYOND)
    promised = read_slip(clerk, story.receipt_no, ALLOWANCE_MATERIALS)
    story.show("done", clerk, f"{case_path(story.receipt_no)}/done")
    story.show("slip", clerk, f"{case_path(story.receipt_no)}/slip")
    story.show("slip-end", clerk, f"{case_path(story.receipt_no)}/slip", end=True)
    story.stream = str(facts(clerk, story.receipt_no, "刚收的件")["stream"])
    if knows(story.reviewer, story.receipt_no):
        raise CheckFailedError("线路断着,街道却已经有这一件")
    return f"{story.receipt_no} 已保存在本站并打印(承诺办结日:{promised});街道还不知道"


def void_mistakes(story: Story) -> str:
    """(3) Two mistakes voided offline: one not yet offered to anybody, one offered already."""
    clerk = story.clerk
    lacking = take_in(clerk, CARE, MISTAKEN, identity_number("19660808", 1), {"M1": HAVE})
    story.mistake_held = receipt_number(lacking)
    reason = {"reason": "选错了事项(演示)"}
    held_path = case_path(story.mistake_held)
    voided = clerk.press(held_path, "/acts/voided", reason)
    must_say(voided, "结果:作废")
    complete = dict.fromkeys(("M1", "M2", "M3", "M4"), HAVE)
    id_no = identity_number("19700420", 3)
    story.mistake_offered = receipt_number(take_in(clerk, CARE, MISTAKEN_2, id_no, complete))
    path = case_path(story.mistake_offered)
    facts(clerk, story.mistake_offered, "已移交给街道", offered_to=DOUNAN)

    def asked() -> bool:
        return clerk.open(path).page.says(VOID_WAITING)

    clerk.press(
        path, "/acts/void_requested", reason, saved=lambda: clerk.open(path) if asked() else None
    )
    waiting = clerk.sees(path, VOID_WAITING, SAVED_HERE)
    must_not_say(waiting, "结果:作废")
    story.show("void-requested", clerk, path)
    for number in (story.mistake_held, story.mistake_offered):
        if knows(story.reviewer, number):
            raise CheckFailedError("线路断着,街道却已经有误收的件")
    return f"{story.mistake_held} 已作废;{story.mistake_offered} 作废已申请,待确认"
