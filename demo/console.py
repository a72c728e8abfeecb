"""What the visitor gets after the story: where to click, and commands to cut and restore roads."""

from __future__ import annotations

import signal
import sys

from demo.places import PASSWORD, PLACES
from demo.problems import DemoError
from demo.say import say
from demo.story.cast import Story
from demo.town import Town

HELP = "命令:cut 线路(切断)  restore 线路(接通)  links(看线路)  quit 或 Ctrl-C(结束)"


def stay(story: Story) -> None:
    """Show the nodes and obey commands until `quit`; a signal ends it, too."""
    nodes(story)
    say(f"刚才演的那一件:{story.receipt_no}(办件编号 {story.official_no})")
    links(story.town)
    say(HELP)
    for line in sys.stdin:
        words = line.split()
        if words and words[0] in ("quit", "exit"):
            return
        if words:
            obey(story.town, words)
    say("没有终端可以输入命令;节点继续运行,按 Ctrl-C 结束。")
    while True:
        signal.pause()


def nodes(story: Story) -> None:
    """A line per node with its address and who can log in."""
    say("节点都在运行,可以用浏览器打开(人员和办件都是虚构的):")
    for place in PLACES:
        people = "、".join(place.people)
        say(f"  {place.name}  {story.town[place.code].url}/  工号 {people}  密码 {PASSWORD}")


def links(town: Town) -> None:
    """A line per link."""
    for link in town.forwarder.links.values():
        say(f"  线路 {link.name}  {link.title}  {'已切断' if link.is_cut else '通'}")


def obey(town: Town, words: list[str]) -> None:
    """Carry out one command; what is not understood is answered with the commands there are."""
    known = town.forwarder.links
    if words == ["links"]:
        links(town)
        return
    if len(words) != 2 or words[0] not in ("cut", "restore"):
        say(HELP)
        return
    wanted = words[1].upper()
    names = [name for name in known if wanted in (name, name.partition("-")[0])]
    if not names:
        say(f"没有线路 {words[1]}。有:{'、'.join(known)}")
        return
    link = known[names[0]]
    try:
        if words[0] == "cut":
            town.forwarder.cut(link.name)
            say(f"已切断 {link.title}。节点没有得到通知,只会发现对方没有应答。")
        else:
            town.forwarder.restore(link.name)
            say(f"已接通 {link.title}。")
    except DemoError as problem:
        say(problem.sentence)
