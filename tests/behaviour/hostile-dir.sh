# SPDX-License-Identifier: GPL-2.0-or-later
# A directory of changes that somebody else has made: it must not lead a view or a command out of it.
. "$(dirname "$0")/../lib.sh"

mkdir -p tree outside
echo keep >outside/file
echo keep >tree/file
echo precious >precious

# whiteouts of "." and ".."
fresh_dir W
mkdir -p "$W/.umview/work" "$W/.umview/vstat" "$W/a/b" "$W/a/c"
echo "$PWD/tree" >"$W/.umview/target"
: >"$W/.wh..." && : >"$W/.wh.." && : >"$W/.wh." && : >"$W/a/b/.wh..." && : >"$W/a/c/.wh.."
mkdir -p tree/a/b tree/a/c
echo keep >tree/a/b/file
echo keep >tree/a/c/file
expect 0 viewdiff "$W"
case $out in *D\ *) fail "viewdiff lists a removal: $out" ;; esac
expect 0 viewapply "$W"
equal "the tree after viewapply" "$(cat outside/file tree/file tree/a/b/file tree/a/c/file | sort -u)" keep
expect 0 umview --mount "viewfs,cow:$W:$PWD/tree" -- sh -c "cat $PWD/tree/file $PWD/tree/a/b/file; ls -a $PWD/tree"
expect_out '^keep$'
expect 0 viewexport "$W" --tar layer.tar
case $(tar -tf layer.tar) in *.wh..*) fail "the layer has $(tar -tf layer.tar)" ;; esac

# what the view writes for itself
for kind in link fifo; do
	fresh_dir F
	mkdir "$F/.umview"
	if [ $kind = link ]; then ln -s "$PWD/precious" "$F/.umview/target"; else mkfifo "$F/.umview/target"; fi
	expect 0 timeout 20 "$UMVIEW" --norc --cow "$F" -- true
	equal "a file behind a $kind" "$(cat precious)" precious
	expect 0 timeout 20 viewdiff "$F"
done
fresh_dir G
mkdir "$G/.umview"
mkfifo "$G/.umview/target"
expect 0 timeout 5 viewdiff "$G"
