"""Pictures of the pages while the story is played: Debian's chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from demo.person import Person
from demo.png import with_palette
from demo.problems import DemoError, disk_problem
from demo.say import say

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

WIDTH = 1366
HEIGHT = 768
BYTES_MAX = 150 * 1024
_AT_END = "() => scrollY + innerHeight >= document.documentElement.scrollHeight - 2"
NO_CHROMIUM = (
    "没有找到 chromium,不能截图。请以管理员身份执行:"
    "apt-get install --no-install-recommends chromium fonts-noto-cjk,然后再试。"
)
NO_PLAYWRIGHT = "缺少 Python 软件包 playwright,不能截图。请执行 make screenshots,它会自动安装。"


class Album:
    """A folder of pictures; opens its browser when entered and says first what is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.taken: list[str] = []
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def __enter__(self) -> Album:
        program = shutil.which("chromium")
        if program is None:
            raise DemoError(NO_CHROMIUM)
        try:
            from playwright.sync_api import sync_playwright  # only pictures need it
        except ImportError as error:
            raise DemoError(NO_PLAYWRIGHT) from error
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_problem(error, str(self.folder)) from error
        self._playwright = sync_playwright().start()
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._browser = self._playwright.chromium.launch(
            executable_path=program, args=arguments, handle_sigint=False, handle_sigterm=False
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        if error is None:
            self._make_small()

    def take(self, name: str, person: Person, path: str, *, end: bool) -> None:
        """Photograph a page as the person sees it. Raises: DemoError (no disk)."""
        assert self._browser is not None, "pictures are taken inside `with`"
        context = self._browser.new_context(
            locale="zh-CN", viewport={"width": WIDTH, "height": HEIGHT}
        )
        try:
            url = person.station.url
            context.add_cookies(
                [{"name": k, "value": v, "url": url} for k, v in person.browser.cookies.items()]
            )
            page = context.new_page()
            page.goto(url + path, wait_until="networkidle")
            if end:
                page.keyboard.press("End")
                page.wait_for_function(_AT_END)
            picture = page.screenshot()
        finally:
            context.close()
        self._write(name, picture)
        self.taken.append(name)
        say(f"    ▣ {name}.png")

    def _make_small(self) -> None:
        """Give every picture a palette. Raises: DemoError (still too large for the project)."""
        say("… 缩小截图")
        for name in self.taken:
            picture = (self.folder / f"{name}.png").read_bytes()
            small = min(picture, with_palette(picture), key=len)
            if len(small) > BYTES_MAX:
                size, bound = len(small) // 1024, BYTES_MAX // 1024
                raise DemoError(f"截图 {name} 有 {size} KB,超过 {bound} KB。")
            self._write(name, small)
        say(f"✓ {len(self.taken)} 张截图在 {self.folder}")

    def _write(self, name: str, picture: bytes) -> None:
        try:
            (self.folder / f"{name}.png").write_bytes(picture)
        except OSError as error:
            raise disk_problem(error, str(self.folder)) from error
