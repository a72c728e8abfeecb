"""The whole demonstration tree: founded, enrolled and started by the product's command lines."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.children import Children
from demo.forwarder import Forwarder, Link
from demo.interrupts import Interrupts
from demo.places import BY_CODE, CENTRAL, PLACES
from demo.ports import free_ports
from demo.problems import DemoError, disk_problem
from demo.say import say
from demo.station import HOST, Station
from demo.tools import Command, Tools

FREE_BYTES_MIN = 500 * 1024 * 1024
INTERVAL_SECONDS = 0.5


class Town:
    """Seven stations and six links; whoever makes one must end it with `stop`."""

    def __init__(
        self, folder: Path, interrupts: Interrupts, *, interval_seconds: float, first_port: int
    ) -> None:
        self.folder = folder
        self.interval_seconds = interval_seconds
        self.children = Children(interrupts)
        self.forwarder = Forwarder()
        self.stations: dict[str, Station] = {}
        self._first_port = first_port
        self._tools = Tools(self.children, folder)

    def __getitem__(self, code: str) -> Station:
        return self.stations[code]

    def set_up(self) -> None:
        """Found central, publish the catalogue, enrol the stations and open the links."""
        self._check_disk()
        ports = free_ports(3 * len(PLACES), self._first_port)
        for place in PLACES:
            self.stations[place.code] = Station(
                place, self.folder / place.code, self.children, ports.pop(0), ports.pop(0)
            )
        say("… 建立中心,导入并发布事项目录")
        self._tools.run(self._central("init", "--station", CENTRAL))
        self._tools.run(self._central("catalogue", "import"))
        self._tools.run(self._central("publish"))
        say("… 给六个站点发入网单,逐个入网")
        children = [place for place in PLACES if place.parent]
        for place in children:
            title = f"{place.short} → {BY_CODE[place.parent].short}"
            parent = self[place.parent]
            self.forwarder.add(place.link, title, ports.pop(0), parent.sync_port)
        self._tools.run_all([self._voucher(place.code) for place in children])
        self._tools.run_all([self._enrolment(place.code) for place in children])

    def start(self) -> None:
        """Start all seven and wait until each is ready."""
        say("… 启动七个节点:一个中心、一个区、两个街道、三个村(社区)")
        for station in self.stations.values():
            station.start(self.interval_seconds)
        for station in self.stations.values():
            station.wait_ready()

    def restart(self, code: str) -> None:
        """Start a killed station again and wait until it is ready."""
        self[code].start(self.interval_seconds)
        self[code].wait_ready()

    def link(self, code: str) -> Link:
        """The link of a station to its parent."""
        return self.forwarder.links[BY_CODE[code].link]

    def cut(self, code: str) -> None:
        """Cut the road of a station to its parent."""
        self.forwarder.cut(BY_CODE[code].link)

    def restore(self, code: str) -> None:
        """Open the road of a station to its parent again."""
        self.forwarder.restore(BY_CODE[code].link)

    def staff_codes(self, people: list[tuple[str, str]]) -> dict[str, str]:
        """One-time codes for first logins, by staff number. Shapes: (station, staff number)."""
        commands = [self._staff_code(station, number) for station, number in people]
        answers = self._tools.run_all(commands)
        numbers = [number for _, number in people]
        return {n: str(a["code"]) for n, a in zip(numbers, answers, strict=True)}

    def stop(self) -> None:
        """End everything that was started; safe to repeat."""
        self.children.stop_all()
        self.forwarder.stop()

    def _check_disk(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
            taken = any(self.folder.iterdir())
        except OSError as error:
            raise disk_problem(error, str(self.folder)) from error
        if taken:
            raise DemoError(f"文件夹 {self.folder} 不是空的。请换一个空文件夹,或先清空它。")
        if free < FREE_BYTES_MIN:
            raise DemoError(
                f"磁盘空间不足:{self.folder} 所在的盘只剩 {free // 2**20} MB,"
                f"至少要 {FREE_BYTES_MIN // 2**20} MB。请腾出空间后再试。"
            )

    def _sheet(self, code: str) -> Path:
        return self.folder / f"{code}.sheet"

    def _central(self, *words: str, name: str = "") -> Command:
        options = ("--data", str(self[CENTRAL].folder), "--json")
        return Command(name or f"central-{words[0]}", ("central", *words, *options))

    def _voucher(self, code: str) -> Command:
        url = f"http://{HOST}:{self.link(code).port}"
        sheet = ("--parent-url", url, "--out", str(self._sheet(code)))
        return self._central("voucher", code, *sheet, name=f"voucher-{code}")

    def _enrolment(self, code: str) -> Command:
        folder, sheet = str(self[code].folder), str(self._sheet(code))
        return Command(f"enrol-{code}", ("edge_node", "enrol", sheet, "--data", folder, "--json"))

    def _staff_code(self, code: str, number: str) -> Command:
        program = "central" if code == CENTRAL else "edge_node"
        options = ("--data", str(self[code].folder), "--json")
        return Command(f"staff-code-{number}", (program, "staff-code", number, *options))
