# SPDX-License-Identifier: GPL-2.0-or-later
# cppcheck finds nothing to warn of; what it is wrong about is said here, with the reason.
# ptrace: no
. "$(dirname "$0")/../lib.sh"

need_command cppcheck
cd "$UMVIEW_SRC" || fail "no sources"
# nullPointerRedundantCheck: it does not know that um_die() does not return
expect 0 timeout 100 cppcheck -j2 --enable=warning,portability --quiet -I. -Imodules/include --error-exitcode=1 \
	--suppress=missingIncludeSystem --suppress=nullPointerRedundantCheck \
	--template='{file}:{line}: {id}: {message}' monitor layers modules cmd
