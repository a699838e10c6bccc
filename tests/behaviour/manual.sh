# SPDX-License-Identifier: GPL-2.0-or-later
# The manual says it all: umview-syscalls(7) has each system call of the kernel's headers once, with its number; umview(1) has
# each option that --help names.
# ptrace: no
. "$(dirname "$0")/../lib.sh"
need_command cc gcc

page=$UMVIEW_BUILD/man/umview-syscalls.7
echo '#include <asm/unistd.h>' | cc -E -dM - | sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9][0-9]*\)$/\1|\2|T{/p' >calls
[ "$(wc -l <calls)" -gt 300 ] || fail "the headers name $(wc -l <calls) calls"
while read -r line; do
	equal "lines \"$line\" in umview-syscalls(7)" "$(grep -cFx "$line" "$page")" 1
done <calls
equal "calls that stand there twice" "$(sed -n 's/|[0-9]*|T{$//p' "$page" | sort | uniq -d)" ""

options=$(umview --help | grep -oE -e '--[a-z][a-z-]*' | sort -u)
[ "$(printf '%s\n' "$options" | wc -l)" -gt 10 ] || fail "--help names few options: $options"
for option in $options; do
	sed 's/\\-/-/g' "$UMVIEW_SRC/man/umview.1" | grep -qe "$option\\b" || fail "umview(1) has no $option"
done
