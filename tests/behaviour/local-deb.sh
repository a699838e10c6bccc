# SPDX-License-Identifier: GPL-2.0-or-later
# A package made on the spot is installed by dpkg in a view, run, upgraded and removed; needs no network.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

# make_deb VERSION: greeting.deb, with a configuration file, a set-uid program and scripts that change owners
make_deb() {
	rm -rf pkg
	mkdir -p pkg/DEBIAN pkg/usr/bin pkg/etc/umview-greeting pkg/usr/lib/umview-greeting
	cat >pkg/DEBIAN/control <<-END
		Package: umview-greeting
		Version: $1
		Architecture: all
		Maintainer: nobody <nobody@localhost>
		Description: for a test
	END
	echo /etc/umview-greeting/conf >pkg/DEBIAN/conffiles
	echo "word=hello" >pkg/etc/umview-greeting/conf
	printf '#!/bin/sh\n. /etc/umview-greeting/conf\necho "$word from version %s"\n' "$1" >pkg/usr/bin/umview-greeting
	cp /bin/true pkg/usr/lib/umview-greeting/helper
	cat >pkg/DEBIAN/postinst <<-'END'
		#!/bin/sh
		set -e
		mkdir -p /var/lib/umview-greeting
		chown daemon:games /var/lib/umview-greeting
		chmod 2750 /var/lib/umview-greeting
		echo "configured by $(id -u)" >/var/lib/umview-greeting/state
	END
	cat >pkg/DEBIAN/postrm <<-'END'
		#!/bin/sh
		set -e
		[ "$1" != purge ] || rm -rf /var/lib/umview-greeting
	END
	chmod 755 pkg/DEBIAN/post* pkg/usr/bin/umview-greeting
	chmod 4755 pkg/usr/lib/umview-greeting/helper
	dpkg-deb --root-owner-group -b pkg greeting.deb >/dev/null || fail "dpkg-deb"
}

host_snapshot before
fresh_dir D
make_deb 1
expect 0 umview --cow "$D" --su -- dpkg -i greeting.deb
expect 0 umview --cow "$D" -- umview-greeting
expect_out '^hello from version 1$'
expect 0 umview --cow "$D" --su -- stat -c '%U:%G %a' /var/lib/umview-greeting /usr/lib/umview-greeting/helper \
	/var/lib/umview-greeting/state
equal "owners and modes" "$(printf '%s\n' "$out" | tail -n 3)" "daemon:games 2750
root:root 4755
root:games 644"
expect 0 umview --cow "$D" --su -- cat /var/lib/umview-greeting/state
expect_out '^configured by 0$'
expect 0 umview --cow "$D" --su -- dpkg --verify umview-greeting
equal "dpkg --verify" "$out" ""

# an upgrade keeps the changed configuration file
expect 0 umview --cow "$D" --su -- sh -c 'echo word=servus >/etc/umview-greeting/conf'
make_deb 2
expect 0 umview --cow "$D" --su -- dpkg --force-confold -i greeting.deb
expect 0 umview --cow "$D" -- umview-greeting
expect_out '^servus from version 2$'

expect 0 umview --cow "$D" --su -- dpkg -P umview-greeting
expect !0 umview --cow "$D" -- sh -c 'command -v umview-greeting'
expect !0 umview --cow "$D" -- ls -d /var/lib/umview-greeting /etc/umview-greeting
host_untouched before
