"""The story of the demonstration: its steps in order, each played through pages."""

from __future__ import annotations

from collections.abc import Callable

from demo.story.cast import Story
from demo.story.district import decided_by_district, delivered_by_village, one_state_everywhere
from demo.story.offline import cut_off, take_in_offline, void_mistakes
from demo.story.township import (
    accepted_without_district,
    killed_before_sending,
    township_has_custody,
)

STEPS: list[tuple[str, Callable[[Story], str]]] = [
    ("斗南街道和区里断开,村和街道也断开", cut_off),
    ("村里断网收件:gljt 找到高龄津贴,代收并打印", take_in_offline),
    ("断网时作废误收的件", void_mistakes),
    ("村的线路恢复:街道有了办理权,一次性告知", township_has_custody),
    ("村里收补来的材料,街道补齐、受理、初审,不靠区里", accepted_without_district),
    ("初审已保存、还没发出,kill -9 街道的节点", killed_before_sending),
    ("区里的线路恢复:区里决定、办结,办件编号和送达任务到村", decided_by_district),
    ("村里送达,两个编号都能找到", delivered_by_village),
    ("村、街道、区、中心同一状态,别的村没有", one_state_everywhere),
]
