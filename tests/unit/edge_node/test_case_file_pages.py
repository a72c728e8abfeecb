"""Files on the page of a case: attached by who may, with their state, opened by who may."""

from __future__ import annotations

import httpx

from edge_node.case_access import case_address
from sync.protocol.limits import FILE_BYTES_MAX
from tests.integration.tree_world import TOWNSHIP, VILLAGE, VILLAGE_2, Tree
from tests.unit.edge_node.pages_world import Person, form_key, words

PHOTO = bytes(range(256)) * 2000


def attach(
    person: Person, number: str, data: bytes = PHOTO, *, title: str = "申请表", **fields: str
) -> httpx.Response:
    """Post the form of the case's page."""
    answer: httpx.Response = person.client.post(
        f"{case_address(number)}/files",
        data={"form_key": form_key(), "title": title, **fields},
        files={"file": ("张三.jpg", data, "image/jpeg")},
    )
    return answer


def files(person: Person, number: str) -> list[dict[str, object]]:
    """What the JSON says of a case's files."""
    found: list[dict[str, object]] = person.json(f"/api/v1{case_address(number)}/files")["files"]
    return found


def test_a_file_is_attached_shown_and_opened(clerk: Person) -> None:
    """From the form to the page and back to the same bytes; the browser's file name is not kept."""
    number = clerk.take_in()
    answer = attach(clerk, number)
    assert answer.status_code == 303, answer.text
    page = clerk.get(answer.headers["location"])
    assert "“添加附件”已保存在本站" in words(page)
    assert "申请表500KB到齐" in words(page)
    assert "张三" not in page.text
    (file,) = files(clerk, number)
    got = clerk.get(f"{case_address(number)}/files/{file['sha256']}")
    assert (200, "image/jpeg", PHOTO) == (got.status_code, got.headers["content-type"], got.content)
    assert "nosniff" == got.headers["x-content-type-options"]


def test_the_same_file_posted_twice_is_one_file(clerk: Person) -> None:
    """A doubled press does no harm."""
    number = clerk.take_in()
    for _ in range(2):
        assert attach(clerk, number).status_code == 303
    assert 1 == len(files(clerk, number))


def test_a_page_of_script_is_never_shown_as_one(clerk: Person) -> None:
    """What is no picture and no PDF is only ever downloaded."""
    number = clerk.take_in()
    answer = clerk.client.post(
        f"{case_address(number)}/files",
        data={"form_key": form_key()},
        files={"file": ("a.html", b"<script>alert(1)</script>", "text/html")},
    )
    assert answer.status_code == 303
    (file,) = files(clerk, number)
    got = clerk.get(f"{case_address(number)}/files/{file['sha256']}")
    assert "application/octet-stream" == got.headers["content-type"]
    assert got.headers["content-disposition"].startswith("attachment")


def test_refusals_say_what_to_do(clerk: Person) -> None:
    """No file, no form of ours, another page's form, too much: a sentence, and nothing is named."""
    number = clerk.take_in()
    assert "没有选文件" in words(attach(clerk, number, b""))
    assert 400 == attach(clerk, number, form_key="").status_code
    address = f"{case_address(number)}/files"
    foreign = clerk.client.post(address, headers={"Origin": "http://evil.example"})
    assert 403 == foreign.status_code
    large = clerk.client.post(
        address, content=b"x", headers={"Content-Length": str(FILE_BYTES_MAX * 2)}
    )
    assert 413 == large.status_code
    assert 400 == clerk.post(address, {"title": "x"}).status_code
    kind = {"Content-Type": f"multipart/form-data; boundary={'x' * 5000}"}
    assert 400 == clerk.client.post(address, content=b"x", headers=kind).status_code
    over = attach(clerk, number, bytes(FILE_BYTES_MAX + 1))
    assert "超过32MB,没有保存" in words(over)
    assert [] == files(clerk, number)


def test_only_a_form_with_a_file_may_be_large(clerk: Person) -> None:
    """Every other address takes no more than before."""
    answer = clerk.client.post("/intake/CG-MZ-0101", content=b"x" * 300_000)
    assert 413 == answer.status_code


def test_who_is_not_concerned_gets_nothing(tree: Tree, clerk: Person) -> None:
    """Another village's clerk neither attaches nor opens, whatever address he types."""
    number = clerk.take_in()
    attach(clerk, number)
    tree.settle()
    (file,) = files(clerk, number)
    stranger = Person(tree, VILLAGE_2).sign_in(f"{VILLAGE_2}-01")
    assert 404 == stranger.get(f"{case_address(number)}/files/{file['sha256']}").status_code
    assert 404 == attach(stranger, number).status_code
    other = clerk.take_in(name="别的演示", id_type="其他证件", id_no="X-2")
    assert 404 == clerk.get(f"{case_address(other)}/files/{file['sha256']}").status_code


def test_what_is_not_here_yet_says_so(tree: Tree, clerk: Person) -> None:
    """The township sees the file before it has come, and opening it says what happens next."""
    number = clerk.take_in()
    attach(clerk, number)
    tree.settle()
    reviewer = Person(tree, TOWNSHIP).sign_in(f"{TOWNSHIP}-02")
    page = reviewer.get(case_address(number))
    assert "未到(0%)" in words(page)
    assert "办件不用等它" in words(page)
    (file,) = files(reviewer, number)
    got = reviewer.get(f"{case_address(number)}/files/{file['sha256']}")
    assert "还没有传到本站" in words(got)
    assert VILLAGE == file["station"]


def test_a_station_at_its_limit_is_told_so_and_loses_nothing(tree: Tree, clerk: Person) -> None:
    """Refused with its sentence before and after the limit; the case and other files go on."""
    number = clerk.take_in()
    limit = tree.nodes[VILLAGE].case_files
    limit.station_bytes_max = len(PHOTO) + 10
    assert attach(clerk, number).status_code == 303
    refused = attach(clerk, number, b"another scan", title="户口簿")
    assert refused.status_code != 303
    assert "本站的附件合计已到上限" in words(refused)
    assert 1 == len(files(clerk, number))
    assert clerk.act(number, "supplement_received", material_M3="已收").status_code == 303
    limit.station_bytes_max = 0
    assert attach(clerk, number, b"another scan", title="户口簿").status_code == 303
