# SPDX-License-Identifier: GPL-2.0-or-later
# A 32-bit program is refused in words; the view goes on.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"
need_command python3 python3

# the smallest i386 ELF file: one segment, exit(3)
python3 - <<'END' || fail "python3"
import struct
code = bytes([0xb8, 1, 0, 0, 0, 0xbb, 3, 0, 0, 0, 0xcd, 0x80])
base, off = 0x08048000, 0x54
ehdr = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, base + off, 52, 0, 0, 52, 32, 1, 0, 0, 0)
phdr = struct.pack("<IIIIIIII", 1, 0, base, base, off + len(code), off + len(code), 5, 4096)
open("prog32", "wb").write(ehdr + phdr + code)
END
chmod 755 prog32
fresh_dir D
for options in "" "--cow $D"; do
	# shellcheck disable=SC2086
	expect 0 umview $options -- sh -c './prog32; status=$?; echo "status $status"; [ $status -ne 0 ] && [ $status -ne 3 ]'
	expect_out '32'
	expect_out 'status 126'
	# shellcheck disable=SC2086
	expect !0 umview $options -- ./prog32
	expect_out '32-bit'
done
