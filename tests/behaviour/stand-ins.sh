# SPDX-License-Identifier: GPL-2.0-or-later
# What the view made from a stand-in never comes into the real tree or a layer, though the mark of the stand-in is gone:
# useradd writes a new shadow file and renames it.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

[ ! -r /etc/shadow ] || skip "this user may read /etc/shadow: there is no stand-in for it"
need_command tar
fresh_dir D
# PATH as an ordinary user has it: --su adds what root needs
PATH=$UMVIEW_BUILD:/usr/local/bin:/usr/bin:/bin
expect 0 umview --cow "$D" --su -- sh -c 'useradd -r umstandin && grep -c ^umstandin: /etc/shadow && echo $HOME $USER $LOGNAME'
equal "the user, and root's environment" "$out" "1
/root root root"
expect 0 viewdiff "$D"
expect_out '/etc/shadow \[stands for what the user cannot read\]'
expect_out '/etc/gshadow \[stands for what the user cannot read\]'
expect_out '^M .* /etc/passwd$'
expect 0 viewexport "$D" --tar layer.tar
tar -tf layer.tar >names
grep -q '^etc/passwd$' names || fail "the layer lacks etc/passwd"
if grep -q shadow names; then fail "the layer has the stand-in: $(grep shadow names)"; fi
# viewapply leaves it out as well, whatever else it would refuse
out=$(viewapply -n "$D" 2>&1)
echo "$out" | grep -q '/etc/shadow: left as it is' || fail "viewapply does not leave the shadow file: $out"
