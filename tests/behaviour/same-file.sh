# SPDX-License-Identifier: GPL-2.0-or-later
# A file stays the same one (st_dev, st_ino) when it is copied up, renamed and linked, by name and by descriptor; and what
# was renamed or linked is not taken for something that the host has removed.
# ptrace: yes
. "$(dirname "$0")/../lib.sh"

need_command git
fresh_dir D
mkdir t
for f in a b c d e; do echo $f >t/$f; done
before=$(stat -c '%n %d %i' t/a t/b t/c)
cat >inside.py <<'END'
import os
def number(st):
    return st.st_dev, st.st_ino
numbers = {n: number(os.stat("t/" + n)) for n in "abcde"}
kept = os.open("t/a", os.O_RDONLY)
with open("t/a", "a") as f:
    f.write("more\n")
    assert number(os.fstat(f.fileno())) == numbers["a"], "a descriptor of the copy"
assert number(os.stat("t/a")) == numbers["a"], "copied up"
assert number(os.fstat(kept)) == numbers["a"], "a descriptor of the lower file"
os.rename("t/b", "t/b2")
assert number(os.stat("t/b2")) == numbers["b"], "renamed"
os.link("t/c", "t/c2")
assert number(os.stat("t/c2")) == number(os.stat("t/c")) == numbers["c"], "linked"
assert os.stat("t/c").st_nlink == 2
os.rename("t/d", "t/e")
assert number(os.stat("t/e")) == numbers["d"], "renamed over another"
os.chmod("t/a", 0o600)
os.truncate("t/a", 0)
assert number(os.stat("t/a")) == numbers["a"]
open("t/new", "w").close()
assert number(os.stat("t/new")) not in numbers.values()
os.unlink("t/a")
open("t/a", "w").close()
assert number(os.stat("t/a")) != numbers["a"], "another file by the same name"
END
expect 0 umview --cow "$D" -- python3 inside.py
expect 0 umview --cow "$D" -- stat -c '%n %i' t/b2 t/c2
equal "in another view" "$out" "t/b2 $(stat -c %i t/b)
t/c2 $(stat -c %i t/c)"
equal "on the host" "$(stat -c '%n %d %i' t/a t/b t/c)" "$before"
expect 0 viewdiff "$D"
case $out in *removed\ it* | *changed\ it*) fail "viewdiff takes a rename for a change of the host's: $out" ;; esac
rm t/c
expect 0 viewdiff "$D"
equal "what the host has removed" "$(echo "$out" | grep -c 'removed it')" 1

# two names of a lower file are one file after a change by either
mkdir h
echo first >h/a
ln h/a h/b
ln h/a h/c
cat >links.py <<'END'
import os
b = os.stat("h/b")
with open("h/a", "a") as f:
    f.write("second\n")
assert open("h/b").read() == "first\nsecond\n", open("h/b").read()
assert (os.stat("h/b").st_ino, os.stat("h/b").st_dev) == (b.st_ino, b.st_dev)
os.chmod("h/c", 0o600)
assert os.stat("h/a").st_mode & 0o777 == 0o600
assert os.stat("h/a").st_nlink == 3, os.stat("h/a").st_nlink
os.unlink("h/a")
assert open("h/c").read() == "first\nsecond\n"
END
expect 0 umview --cow "$D" -- python3 links.py
equal "the lower files" "$(cat h/a h/b | sort -u)" first

# all names count, so that what copies trees keeps the links, looked up before or not
mkdir l
echo x >l/0
ln l/0 l/1
ln l/0 l/2
expect 0 umview --cow "$D" -- sh -c 'echo A >>l/0; stat -c %h l/0; cp -a l copy; stat -c %h copy/0 copy/1 copy/2; cmp copy/0 copy/2; tar cf - l | tar tvf - | grep -c " link to "'
equal "links of a copied tree" "$(echo $out)" "3 3 3 3 2"

# the host's removal of the original may give its number to another file: the two must not look like one
echo original >t/orig
expect 0 umview --cow "$D" -- sh -c 'echo more >>t/orig'
rm t/orig
for i in 1 2 3 4 5 6 7 8; do echo other >t/other$i; done
expect 0 umview --cow "$D" -- sh -c 'for f in t/other*; do ! [ $f -ef t/orig ] || echo one file: $f; done; cat t/orig'
equal "another file" "$out" "original
more"

# git's local clone makes hard links and looks at their numbers
git init -q --bare r.git
git init -q w
(cd w && git config user.email a@b && git config user.name n && echo 1 >f && git add f && git commit -qm 1 && git push -q ../r.git HEAD:master)
expect 0 umview --cow "$D" -- sh -c 'git clone -q r.git clone && cat clone/f && cd clone && git fsck'
expect_out '^1$'
