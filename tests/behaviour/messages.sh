# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong is said in words that lead to the cause, in a view and outside of it.
# timeout: 120
. "$(dirname "$0")/../lib.sh"

# says WORDS CMD...: fails with these words
says() {
	_words=$1
	shift
	expect !0 "$@"
	expect_out "$_words"
}
# says_inside WORDS CMD...: the same, in the view
says_inside() {
	_words=$1
	shift
	says "$_words" umview --cow "$PWD/own" -- "$@"
}
U="$UMVIEW --norc"

echo "--- directories of changes"
ln -s gone dangling
says "--cow $PWD/dangling: $PWD/dangling is a symbolic link to gone, which does not exist" umview --cow dangling true
says "dangling is a symbolic link to gone" umview --cow dangling/x true
[ "$(id -u)" = 0 ] || says 'cannot make /nope: Permission denied' umview --cow /nope/x true
says "$PWD/own holds the changes of the mount on /, which does not show it" umview --cow own --cow own true
says "$PWD/own holds the changes of the mount on /" umview --cow own --cow own/below true
# shellcheck disable=SC2086
{
	says_inside 'directory / is equal to its target /' $U --cow / true
	says_inside "$PWD/own holds the changes of the mount on /, which does not show it" $U --cow own true
	says_inside "$PWD/own holds the changes" $U --cow own/below true
	says_inside "dangling is a symbolic link to gone" $U --cow dangling true
}

echo "--- as many on each other as umview(1) says"
n=$(sed -n 's/^Up to \([0-9]*\) such mounts may stand on each other.$/\1/p' "$UMVIEW_SRC/man/umview.1")
set --
for i in $(seq "${n:?umview(1) does not say how many}"); do
	set -- "$@" --cow "$PWD/many/$i"
done
expect 0 umview "$@" true
says 'too many mounts stand on each other' umview "$@" --cow "$PWD/many/more" true

echo "--- what was asked for and could not be done"
expect 0 umview --trace=/dev/full -- true
expect_out '^umview: --trace: not all of it could be written'
says "what the command line of a secure view has mounted stays as it is" umview -s --mount "viewfs,move:$PWD:/mnt" umount /mnt
says 'say what to do: one of the options move' umview --mount "viewfs:$PWD:/mnt" true

echo "--- empty values are shown as such"
says 'directory ""' umview --mount viewfs,move::/mnt true
says '--preload ""' umview --preload '' true
says '^umview: "": No such file' umview ''
says '--trace: "": No such file' umview --trace= true
says_inside 'directory ""' mount -t viewfs -o move '' /mnt

echo "--- mount names the target once"
once() {
	says_inside "$@"
	case $(printf '%s\n' "$out" | sed 's/^mount: //') in
	*/mnt*/mnt*) fail "twice: $out" ;;
	*/nope*/nope*) fail "twice: $out" ;;
	esac
}
mkdir source
once '^mount: /nope: the mount point does not exist$' mount --bind source /nope
once '^mount: /mnt: not a mount of this view$' mount -o remount,ro /mnt
once "^mount: /mnt: what is to be moved, $PWD/source, is not a mount" mount --move source /mnt
once '^mount: /mnt: directory no-such: No such file' mount --bind no-such /mnt

for what in --rbind '-o ro' -M --make-private '-o cow'; do
	# shellcheck disable=SC2086
	says_inside '^mount: there are options, but nothing to mount' mount $what
done
says_inside 'labels and UUIDs are not looked up' mount LABEL=x /mnt
says_inside '^viewname: "": a name has' viewname ''

echo "--- processes that cannot be taken in"
mkfifo hold
"$UMVIEW" --norc --name other -- sh -c 'echo $$ >pid; read x <hold' &
until [ -s pid ]; do sleep 0.05; done
monitor=$("$UMVIEW" --list --json | python3 -c 'import json, sys
print([v["monitor"] for v in json.load(sys.stdin) if v["name"] == "other"][0])')
says 'it is what makes another view' umview -- um_attach "$monitor"
# the other view's state is carried by another limit than this one's
says 'it is in another view' prlimit --locks=1000:1000 "$UMVIEW" --norc -- um_attach "$(cat pid)"
echo >hold
wait
exit 0
