"""The shape of a matters entry and the words its fields may hold.

Only form stands here: which fields there are and of what kind. What makes a matter workable
(stages, limits, posts) is judged by `casework.matter`.
"""

from __future__ import annotations

from typing import Any

from central.imports.json_file import Shape

# GB/T 39046-2020 table A.1; 10 reads 其他类别事项 there and 其他行政权力 in use.
MATTER_TYPES = {
    "01": "行政许可",
    "02": "行政处罚",
    "03": "行政强制",
    "04": "行政征收",
    "05": "行政给付",
    "06": "行政检查",
    "07": "行政确认",
    "08": "行政奖励",
    "09": "行政裁决",
    "10": "其他行政权力",
    "20": "公共服务",
}
TIERS = ("central", "district", "township", "village")
MARKS = ("演示", "")
LIMIT: dict[str, Any] = {
    "days": "int",
    "unit": ("工作日", "自然日"),
    "basis": "text",
    "mark": MARKS,
}
TASK: dict[str, Any] = {
    "code": "text",
    "title": "text",
    "post": ("intake", "accept", "review", "decide", "issue", "deliver"),
    "station": "text",
    "limit_days": "int",
    "results": ["text"],
    "deciding": "bool",
}
MATERIAL: dict[str, Any] = {
    "code": "text",
    "name": "text",
    "need": ("必要", "非必要", "容缺后补"),
    "taken_as": ("核验原件后退还", "收原件", "收复印件"),
    "original": "int",
    "copies": "int",
    "note": "text?",
}
# As written by hand: initials are worked out at import and must not be in the file.
WRITTEN_MATTER: dict[str, Shape] = {
    "code": "text",
    "version": "int",
    "name": "text",
    "aliases": ["text"],
    "department": "text",
    "type": tuple(MATTER_TYPES),
    "type_name": tuple(MATTER_TYPES.values()),
    "division": "text",
    "tiers": [TIERS],
    "object": "text",
    "conditions": ["text"],
    "case_kind": ("承诺件", "即办件"),
    "basis": [{"text": "text", "mark": MARKS}],
    "materials": [MATERIAL],
    "limits": {"statutory?": LIMIT, "promised?": LIMIT},
    "accept_on_receive": "bool",
    "deemed_acceptance": "bool",
    "supplement_days": "int",
    "stages": [{"code": "text", "title": "text", "tasks": [TASK]}],
    "result": {"name": "text", "kind": "text"},
    "fee": "text",
    "source": "text",
    "demo": "bool",
    "effective_from": "text",
    "open_cases": ("按旧版办完", "可改按新版", "自X日起终止"),
}
