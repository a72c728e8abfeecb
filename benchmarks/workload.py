"""The workload every figure is measured on: invented matters and cases (演示), always the same.

W1 10,000 matters of about 3 KB of Chinese JSON; W2 one field changed in 100 of them; W3 5,000 cases
of about 1 KB; W4 nothing. No real person, phone or case; ID numbers use a division that does not
exist. The draws must not change: figures of other products were taken on the same bytes.
"""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path
from typing import Any

Json = dict[str, Any]
MATTERS = 10_000
CHANGED = 100
CASES = 5_000
_WORDS = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
_first = random.Random(7)
VOCABULARY = ["".join(_first.sample(_WORDS["characters"], 2)) for _ in range(2400)]
_WEIGHTS = [1.0 / (i + 3) for i in range(len(VOCABULARY))]
_LAW_ENDS = ("条例", "办法", "实施细则", "管理规定", "法")
_STEPS = ("申请", "受理", "审查", "决定", "送达", "公示", "现场勘验", "专家评审")
_POSTS = ("窗口受理岗", "业务审核岗", "分管负责人", "综合出件岗")
_PAPERS = (
    "居民身份证", "户口簿", "申请表", "承诺书", "授权委托书", "营业执照", "不动产权证书",
    "诊断证明", "收入证明", "近期免冠照片", "银行账户信息", "村(居)委会证明", "学历证书",
    "劳动合同",
)  # fmt: skip
_PAPER_KINDS = ("", "复印件", "原件", "(正反面)", "(加盖公章)", "电子版")
_TYPES = ("行政许可", "行政给付", "行政确认", "公共服务", "其他行政权力")


def dump(rows: list[Json]) -> bytes:
    """Return the rows as JSON lines: the raw size all ratios are against."""
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    return "".join(lines).encode()


def matters(count: int = MATTERS) -> list[Json]:
    """Return W1."""
    laws, papers, steps = _pools()
    r = random.Random(4242)
    return [_matter(r, i, laws, papers, steps) for i in range(count)]


def changed(rows: list[Json]) -> list[Json]:
    """Return W2: the rows with one field changed in 100 of them."""
    r = random.Random(99)
    chosen = sorted(r.sample(range(len(rows)), CHANGED))
    found = [dict(row) for row in rows]
    for i in chosen:
        found[i]["consult_phone"] = f"0000-{r.randrange(10**7):07d}"
    return found


def cases(of: list[Json], count: int = CASES) -> list[Json]:
    """Return W3, cases taken in offline for matters of `of`."""
    r = random.Random(777)
    return [_case(r, i, r.choice(of)) for i in range(count)]


def _prose(r: random.Random, low: int, high: int) -> str:
    return "".join(r.choices(VOCABULARY, _WEIGHTS, k=r.randint(low, high)))


def _pools() -> tuple[list[Json], list[Json], list[Json]]:
    r = random.Random(42)
    objects = _WORDS["objects"]
    laws = []
    for _ in range(240):
        of = r.choice(["中华人民共和国", "省", "国务院关于", "市"])
        name = f"《{of}{r.choice(objects)}{r.choice(_LAW_ENDS)}》"
        laws.append({
            "名称": name,
            "条款": f"第{r.randint(1, 98)}条",
            "文号": f"{r.choice('国省市民人')}发〔{r.randint(1998, 2024)}〕{r.randint(1, 180)}号",
            "内容": _prose(r, 18, 60) + "。",
        })  # fmt: skip
    papers = [{
        "名称": r.choice(_PAPERS) + r.choice(_PAPER_KINDS),
        "来源": r.choice(["申请人自备", "政府部门核发", "其他"]),
        "形式": r.choice(["纸质", "电子", "纸质或电子"]),
        "份数": r.randint(1, 3),
        "必要": r.random() < 0.8,
        "说明": _prose(r, 3, 16),
    } for _ in range(420)]  # fmt: skip
    steps = [{
        "环节": step,
        "时限": f"{r.randint(1, 5)}个工作日",
        "标准": _prose(r, 6, 14),
        "岗位": r.choice(_POSTS),
    } for step in _STEPS for _ in range(12)]  # fmt: skip
    return laws, papers, steps


def _matter(
    r: random.Random, i: int, laws: list[Json], papers: list[Json], steps: list[Json]
) -> Json:
    department = r.choice(_WORDS["departments"])
    thing, verb = r.choice(_WORDS["objects"]), r.choice(_WORDS["verbs"])
    fees = ["不收费", "不收费", "不收费"]
    return {
        "id": str(uuid.UUID(int=r.getrandbits(128), version=4)),
        "code": f"1144{r.randrange(10**7):07d}{i % 10000:04d}{r.randrange(10**8):08d}",
        "name": thing + verb + r.choice(_WORDS["scopes"]),
        "department": department + "局",
        "type": r.choice(_TYPES),
        "version": r.randint(1, 9),
        "updated_at": f"2026-{r.randint(1, 10):02d}-{r.randint(1, 28):02d}"
        f"T{r.randint(0, 23):02d}:{r.randint(0, 59):02d}:{r.randint(0, 59):02d}Z",
        "legal_basis": r.sample(laws, r.randint(1, 3)),
        "materials": r.sample(papers, r.randint(4, 8)),
        "steps": r.sample(steps, r.randint(3, 5)),
        "conditions": _prose(r, 15, 45) + "。",
        "notes": _prose(r, 10, 40) + "。",
        "legal_days": r.choice([5, 10, 15, 20, 30, 60]),
        "promise_days": r.randint(1, 15),
        "fee": r.choice([*fees[:2], fees[2], f"收费:{5 * r.randint(1, 40)}元"]),
        "address": f"{_prose(r, 1, 2)}街道{r.randint(1, 300)}号{r.choice(_WORDS['addresses'])}",
        "consult_phone": f"0000-{r.randrange(10**7):07d}",
        "complaint_phone": "12345",
        "online_url": f"https://example.invalid/item/{r.getrandbits(64):016x}",
        "visits": r.randint(0, 2),
    }


def _case(r: random.Random, i: int, matter: Json) -> Json:
    events, at = [], 1_700_000_000 + i * 61
    for k, step in enumerate(["收件", "初审", "上报"][: r.randint(1, 3)]):
        at += r.randint(60, 7200)
        events.append({
            "seq": k + 1,
            "event_id": str(uuid.UUID(int=r.getrandbits(128), version=4)),
            "type": step,
            "at": at,
            "actor": f"v{r.randrange(15500):05d}-{r.randrange(4):02d}",
            "note": _prose(r, 4, 14),
        })  # fmt: skip
    characters = _WORDS["characters"]
    return {
        "id": str(uuid.UUID(int=r.getrandbits(128), version=4)),
        "matter_id": matter["id"],
        "matter_name": matter["name"],
        "station": f"440000{r.randrange(15500):06d}",
        "applicant": {
            "name": "测试" + r.choice(characters) + r.choice(characters),
            "id_no": f"00000019{r.randrange(10000):04d}{r.randrange(10**6):06d}",
            "phone": f"000{r.randrange(10**8):08d}",
            "address": f"{_prose(r, 3, 6)}村{r.randint(1, 12)}组{r.randint(1, 90)}号",
        },
        "form": {
            "人口": r.randint(1, 7),
            "月收入": r.randint(0, 60) * 100,
            "账户": f"0000{r.randrange(10**15):015d}",
            "事由": _prose(r, 10, 36),
        },
        "materials": [
            {"name": paper["名称"], "sha256": f"{r.getrandbits(256):064x}"}
            for paper in matter["materials"][:2]
        ],
        "events": events,
    }
