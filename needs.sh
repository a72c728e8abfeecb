#!/usr/bin/env bash
# Sees to it that Debian's commands needed by the tests are there: needs.sh COMMAND[:PACKAGE]...
# Root installs what is missing; anybody else is told, and the suites that need it say so loudly.
set -euo pipefail

for need in "$@"; do
  command=${need%%:*} package=${need##*:}
  command -v "$command" >/dev/null && continue
  if [ "$(id -u)" = 0 ]; then
    printf '… 安装 Debian 软件包 %s\n' "$package" >&2
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"; } >&2 ||
      { printf '✗ 安装 %s 没有成功,请检查软件源后再试。\n' "$package" >&2; exit 1; }
  else
    printf '! 没有 %s:用到它的测试会跳过。请以管理员身份执行:apt-get install %s\n' "$command" "$package" >&2
  fi
done
