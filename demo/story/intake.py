"""Taking a case in at the counter, and reading the applicant's paper."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from demo.browser import Answer
from demo.person import Person
from demo.problems import CheckFailedError
from demo.qr_reader import read_svg
from demo.story.cast import case_path, must_say

NOT_SAVED = "没有收进来"
NOWHERE = "990101"
"""A division code that does not exist: no number of the story can be anybody's."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
OFFLINE_SENTENCE = "断网办理:本凭证在断网时开出,已保存在本站,最终以上级确认为准。"


def identity_number(born: str, serial: int) -> str:
    """An identity number of nobody, with the right check character."""
    digits = f"{NOWHERE}{born}{serial:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return digits + _CHECKS[total % 11]


def take_in(clerk: Person, matter: str, name: str, id_no: str, ticks: dict[str, str]) -> Answer:
    """Fill in the page 办件受理 of a matter and press 受理并打印; the page that follows."""
    path = f"/intake/{matter}"
    values = {"name": name, "id_no": id_no, "phone_of": "本人"}
    values |= {f"material_{code}": state for code, state in ticks.items()}

    def saved() -> Answer | None:
        """Look in 我的办件 for the name, as a clerk would."""
        cases = clerk.open("/cases")
        if not cases.page.says(name):
            return None
        links = [link for link in cases.page.links if link.startswith("/cases/")]
        numbers = [link for link in links if clerk.open(link).page.says(name)]
        return clerk.open(f"{numbers[0]}/done") if numbers else None

    return clerk.press(path, path, values, saved=saved)


def receipt_number(done: Answer) -> str:
    """The 收件编号 on the page after an intake. Raises: CheckFailedError (it is not there)."""
    found = re.fullmatch(r"/cases/([^/]+)/done", urlsplit(done.url).path)
    if not found:
        raise CheckFailedError(f"{NOT_SAVED}:{done.url} {done.page.alert}")
    number = unquote(found.group(1))
    must_say(done, number)
    return number


def read_slip(clerk: Person, number: str, materials: tuple[str, ...]) -> str:
    """Fetch the print view and check all that the applicant's paper must hold; what it promises.

    Raises: CheckFailedError.
    """
    slip = clerk.open(f"{case_path(number)}/slip")
    must_say(slip, "收件凭证", number, "演示", OFFLINE_SENTENCE, *materials)
    if slip.page.mark("data-qr") != [number]:
        raise CheckFailedError(f"凭证上的二维码注明的是 {slip.page.mark('data-qr')}")
    drawn = read_svg(slip.body.decode("utf-8"))
    if drawn != number:
        raise CheckFailedError(f"凭证上画的二维码读出来是 {drawn}")
    promised = re.search(r"承诺办结日(.{0,40}?\d{4}-\d{2}-\d{2}.*?)。?怎么算的", slip.page.words)
    if not promised:
        raise CheckFailedError("凭证上没有写明承诺办结的日期")
    must_say(slip, "工作日")
    return promised.group(1)
