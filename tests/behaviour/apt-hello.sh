# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user installs a package with apt-get in a view, runs its program, removes it; the host is untouched.
# needs: network
# timeout: 300
. "$(dirname "$0")/../lib.sh"

package=
for p in hello sl cowsay; do
	dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q ^ii || { package=$p; break; }
done
[ -n "$package" ] || skip "hello, sl and cowsay are all installed on this host"

host_snapshot before
fresh_dir D
expect 0 apt_in_view "$D" update
expect 0 apt_in_view "$D" install "$package"
expect_out "Setting up $package"

# it is there, for the view's root and for the view's ordinary user, in later runs
expect 0 umview --cow "$D" -- dpkg-query -W -f '${db:Status-Status}\n' "$package"
expect_out '^installed$'
[ "$package" != hello ] || {
	expect 0 umview --cow "$D" -- hello
	expect_out 'Hello, world!'
	expect 0 umview --cow "$D" --su -- stat -c '%U:%G %a' /usr/bin/hello
	expect_out '^root:root 755$'
}
expect 0 umview --cow "$D" --su -- dpkg --verify "$package"
equal "dpkg --verify" "$out" ""
expect 0 umview --cow "$D" --su -- apt-get check

# and not on the host
command -v "$package" && fail "$package is on the host"

expect 0 apt_in_view "$D" remove --purge "$package"
expect !0 umview --cow "$D" -- sh -c "command -v $package"
expect !0 umview --cow "$D" -- dpkg-query -s "$package"
host_untouched before
