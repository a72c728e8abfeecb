"""A real node behind a real socket, and a real Chromium before it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Route, sync_playwright

from edge_node.app import create_pages
from node import accounts
from node.program import Node
from tests.integration.tree_world import VILLAGE, Tree
from tests.unit.edge_node.pages_world import ALLOWANCE, ID_NO, NAME, PASSWORD

CLERK = f"{VILLAGE}-01"
INTAKE = f"/intake/{ALLOWANCE}"
WIDTH, HEIGHT = 1366, 768
SERVER_SECONDS = 20
NO_CHROMIUM = "没有找到 chromium:页面测试没有运行。apt-get install chromium fonts-noto-cjk"
COUNT_PRINTS = "window.prints = 0; window.print = function () { window.prints += 1; };"


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's chromium, headless; skips loudly where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip(NO_CHROMIUM)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        yield opened
        opened.close()


@contextmanager
def serving(node: Node) -> Iterator[str]:
    """The address of a node's pages, served by uvicorn in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_pages(node), log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(SERVER_SECONDS)
        listener.close()


@dataclass
class Visit:
    """One window of one person: what it asked for, and what its console said."""

    tree: Tree
    page: Page
    base: str
    asked: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    received: int = 0

    @classmethod
    def of(cls, opened: Browser, tree: Tree, base: str, *, scripts: bool = True) -> Visit:
        """A fresh window that lets nothing out to another host, and books the attempt."""
        context = opened.new_context(
            locale="zh-CN",
            viewport={"width": WIDTH, "height": HEIGHT},
            java_script_enabled=scripts,
        )
        visit = cls(tree, context.new_page(), base)
        context.add_init_script(COUNT_PRINTS)
        context.route("**/*", visit.guard)
        visit.page.on("console", lambda message: visit.console.append(message.text))
        visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
        return visit

    def guard(self, route: Route) -> None:
        """Let own requests pass; refuse and book all others."""
        url = route.request.url
        own = url.startswith(self.base + "/") or urlsplit(url).scheme == "data"
        (self.asked if own else self.foreign).append(url.removeprefix(self.base))
        if own:
            route.continue_()
        else:
            route.abort()

    def go(self, path: str) -> None:
        """Open a page of the station."""
        self.page.goto(self.base + path)

    def sign_in(self, number: str = CLERK) -> Visit:
        """Set a password with a one-time code and be signed in."""
        with self.tree.nodes[VILLAGE].database.write() as transaction:
            code = accounts.issue_code(transaction, number, self.tree.now_ms)
        self.go("/first-login")
        for name, value in (("staff_no", number), ("code", code)):
            self.page.fill(f"[name={name}]", value)
        for name in ("password", "password2"):
            self.page.fill(f"[name={name}]", PASSWORD)
        self.page.press("[name=password2]", "Enter")
        self.page.wait_for_url(self.base + "/")
        return self

    def fill_in(self, name: str = NAME) -> None:
        """Fill in the open intake page."""
        self.page.fill("[name=name]", name)
        self.page.fill("[name=id_no]", ID_NO)
        for code in ("M1", "M2", "M3"):
            self.page.check(f"[name=material_{code}][value=已收]")

    def take_in(self, name: str = NAME) -> str:
        """Take a case in with the mouse; its number."""
        self.go(INTAKE)
        self.fill_in(name)
        self.page.click("[data-main]")
        return self.number()

    def number(self) -> str:
        """The number on the page after an intake, once it is there."""
        self.page.wait_for_url("**/done")
        return urlsplit(self.page.url).path.split("/")[2]

    def cases(self) -> int:
        """How many cases the node holds."""
        with self.tree.nodes[VILLAGE].database.read() as transaction:
            found = transaction.connection.execute("SELECT count(*) FROM casework_case")
            return int(found.fetchone()[0])
