# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced: a tree of files, images of all kinds with it, and broken ones.  What a program that is needed is missing, the function
# fails.  PATH needs /usr/sbin.

# make_tree DIR [plain]: files of all sizes; without names and types that some formats do not have
make_tree() {
	mkdir -p "$1/dir/deeper/deepest" "$1/many" "$1/empty" || return
	python3 - "$1" <<-'PYTHON' || return
		import os, random, sys
		random.seed(4711)
		for size in 0, 1, 4095, 4096, 4097, 65536, 100001, 3000000:
		    with open("%s/size%d" % (sys.argv[1], size), "wb") as f:
		        f.write(random.randbytes(size))
		for i in range(300):
		    with open("%s/many/file%03d.txt" % (sys.argv[1], i), "w") as f:
		        f.write("contents of file %d\n" % i * (i % 7))
	PYTHON
	echo deep >"$1/dir/deeper/deepest/file"
	cp /bin/true "$1/dir/program"
	printf '#!/bin/sh\necho "the script says $1"\n' >"$1/script.sh"
	chmod 755 "$1/script.sh" "$1/dir/program"
	[ "${2:-}" != plain ] || return 0
	chmod 600 "$1/size1"
	echo spaces >"$1/a name with spaces"
	echo umlauts >"$1/dir/Übergröße"
	ln -s dir/deeper "$1/link"
	ln -s nowhere "$1/dangling"
	ln "$1/size4097" "$1/dir/hardlink"
}

# image KIND TREE FILE
image() {
	case $1 in
	ext2 | ext3 | ext4) mke2fs -q -t "$1" -b 4096 -N 2000 -d "$2" "$3" 40M >/dev/null ;;
	vfat)
		truncate -s 40M "$3" && mkfs.vfat -F 32 "$3" >/dev/null && mcopy -s -Q -i "$3" "$2"/* ::
		;;
	iso) xorriso -as mkisofs -quiet -R -J -o "$3" "$2" >/dev/null 2>&1 ;;
	squashfs) mksquashfs "$2" "$3" -quiet -no-progress >/dev/null ;;
	zip) (cd "$2" && zip -q -r -y - .) >"$3" ;;
	tar) tar -C "$2" -cf "$3" . ;;
	tar.gz) tar -C "$2" -czf "$3" . ;;
	cpio) (cd "$2" && find . | busybox cpio -o -H newc 2>/dev/null) >"$3" ;;
	7z) bsdtar -C "$2" --format=7zip -cf "$3" . ;;
	*) echo "images.sh: no kind $1" >&2 && return 1 ;;
	esac
}

# truncated FILE NEW PERCENT
truncated() {
	head -c $(($(stat -c %s "$1") * $3 / 100)) "$1" >"$2"
}

# fuzzed FILE NEW SEED: some bytes are others, most of them where formats have what they are made of
fuzzed() {
	python3 - "$1" "$2" "$3" <<-'PYTHON'
		import random, sys
		random.seed(int(sys.argv[3]))
		with open(sys.argv[1], "rb") as f:
		    data = bytearray(f.read())
		places = [random.randrange(len(data)) for _ in range(30)]
		places += [random.randrange(min(len(data), 1 << 20)) for _ in range(60)]
		places += [len(data) - 1 - random.randrange(min(len(data), 4096)) for _ in range(20)]
		used = [i for i in range(0, len(data), 512) if any(data[i:i + 512])]
		places += [random.choice(used) + random.randrange(512) for _ in range(100)]
		for place in places:
		    if place < len(data):
		        data[place] = random.choice((0, 1, 0x7f, 0x80, 0xff, random.randrange(256)))
		with open(sys.argv[2], "wb") as f:
		    f.write(data)
	PYTHON
}
