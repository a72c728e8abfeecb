# Two commands do everything on a fresh Debian 12 machine: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PY := .venv/bin/python
SEEDS ?= 2000
FROM ?= 1
KILL ?=
PYTEST_ARGS ?=

.PHONY: help demo demo-check test check sim faults faults-quick bench bench-sync pages screenshots lock clean

help: ## 显示可用命令 / this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: .venv/ready ## 在本机起一个中心、一个区、两个街道、三个村,演一遍,然后留着给人看
	@$(PY) -m demo run

demo-check: .venv/ready ## 同样演一遍,不留着;最后一行是 JSON(KILL=种子:随机杀掉并重启一个节点)
	@$(PY) -m demo check $(if $(KILL),--kill $(KILL))

test: .venv/ready ## 全部检查和测试(20 分钟以内)
	@$(MAKE) --no-print-directory check
	@./needs.sh strace
	$(PY) -m pytest $(PYTEST_ARGS)
	@$(MAKE) --no-print-directory demo-check

check: .venv/ready ## 格式、静态检查、类型、楼层(一分钟以内)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports

sim: .venv/ready ## 模拟器:make sim SEEDS=n FROM=m
	$(PY) -m tests.simulation --seeds $(SEEDS) --from $(FROM)

faults-quick: .venv/ready ## 故障测试的抽样:断电、kill -9、I/O 出错、坏字节(五分钟以内;双核忙时实测四分半)
	@./needs.sh strace
	$(PY) -m pytest tests/faults $(PYTEST_ARGS)

faults: .venv/ready ## 故障测试全量:断电 2 万次、kill -9 五百多次、每个 I/O 位置(双核忙时实测 1 小时 42 分,CPU 48 分)
	@./needs.sh strace
	FAULTS=full $(PY) -m pytest -s tests/faults $(PYTEST_ARGS)

bench-sync: .venv/ready ## 同步的量值:字节、请求数、CPU、内存、弱网、一万五千站重连(忙机上一小时多,其中一万五千站四十二分钟)
	$(PY) -m benchmarks sync $(if $(ONLY),--only $(ONLY))

bench: bench-sync ## 全部量值,写到 build/bench/*.json

pages: .venv/ready ## 用真实的 Chromium 走一遍页面(没有 chromium 时大声跳过)
	$(PY) -m pytest tests/pages $(PYTEST_ARGS)

screenshots: .venv/ready ## 重拍 docs/ 里的页面截图(需要 chromium)
	$(PY) -m demo screenshots docs/screenshots

lock: .venv/ready ## 重新生成 requirements.lock
	.venv/bin/pip install -q pip-tools
	.venv/bin/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header --allow-unsafe \
	  --extra central --extra edge --extra fleet --extra dev -o requirements.lock pyproject.toml

clean: ## 删除环境和生成物
	rm -rf .venv build ui/static/vendor

# The environment: remade when the lock file or this list changes.
.venv/ready: requirements.lock pyproject.toml ui/assets.py
	@./bootstrap.sh
	@touch $@
