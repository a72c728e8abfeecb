#!/usr/bin/env bash
# Makes the environment in .venv from the lock file with hashes, and the static files of the pages.
# Says in one sentence what is missing; installs a Debian package itself only where it is root.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }
fail() { say "✗ $*"; exit 1; }

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "没有找到 $python。请先安装:apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "需要 Python 3.11 或更新;现在是 $("$python" -V)。Debian 12 自带的就可以。"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ]; then
    say "… 安装 Debian 软件包 python3-venv"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } >&2 ||
      fail "安装 python3-venv 没有成功,请检查软件源后再试。"
  else
    fail "缺少 Debian 软件包 python3-venv。请以管理员身份执行:apt-get install python3-venv,然后再试。"
  fi
fi

# The PostgreSQL server is for the tests only; central talks to one wherever it runs.
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "… 安装 Debian 软件包 postgresql(只给测试用,不会开机运行)"
    # Without this file the package makes a cluster of its own and starts it.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >&2 ||
      say "△ 安装 postgresql 没有成功:与 PostgreSQL 有关的测试会跳过,其余不受影响。"
  else
    say "△ 缺少 Debian 软件包 postgresql:与 PostgreSQL 有关的测试会跳过,其余不受影响。要装:apt-get install postgresql"
  fi
fi

free_kb=$(df -Pk . | awk 'NR==2 {print $4}')
[ "$free_kb" -gt 1500000 ] || fail "磁盘空间不足:至少需要 1.5 GB,现在只剩 $((free_kb / 1024)) MB。"

say "… 准备 Python 环境 .venv(只在第一次和依赖变化时)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
total=$(grep -cE '^[A-Za-z0-9].*==' requirements.lock)
.venv/bin/python -m pip install --disable-pip-version-check --progress-bar off \
  --require-hashes -r requirements.lock 2>.venv/pip.log |
  awk -v total="$total" '/^Collecting/ {n++; printf "  %d/%d %s\n", n, total, $2; fflush()}
    /^Installing/ {print "  安装中 installing"; fflush()}' >&2 ||
  { grep -v '^WARNING' .venv/pip.log | tail -n 3 >&2
    fail "安装 Python 依赖没有成功:请检查网络或软件源设置,然后再执行一次同样的命令。"; }
.venv/bin/python - <<'PY'
"""Put the checkout itself on the environment's path, so that it runs from source."""
import pathlib
import sysconfig

path = pathlib.Path(sysconfig.get_path("purelib")) / "yizhan-checkout.pth"
path.write_text(str(pathlib.Path.cwd()) + "\n")
PY
say "… 准备页面的静态文件(htmx、Bootstrap)"
.venv/bin/python -m ui.assets >&2 || fail "页面静态文件没有准备好,原因见上一行。"
say "✓ 环境已就绪"
