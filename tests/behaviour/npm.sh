# SPDX-License-Identifier: GPL-2.0-or-later
# node and npm in a view: a package comes from the registry and is used; the host has none of it.
# needs: network
# timeout: 240
. "$(dirname "$0")/../lib.sh"
need_command node nodejs
need_command npm npm

npm_config_cache=$TMPDIR/npm-cache npm_config_update_notifier=false
export npm_config_cache npm_config_update_notifier
registry=$(npm config get registry 2>/dev/null)
curl -fsS -o /dev/null --max-time 20 "${registry%/}/is-odd" 2>/dev/null ||
	skip "the npm registry ${registry:-(none is configured)} does not answer"
fresh_dir D
mkdir project
echo '{ "name": "p", "version": "1.0.0", "private": true }' >project/package.json
expect 0 umview --cow "$D" -- sh -ec 'cd project && npm install --no-audit --no-fund is-odd left-pad'
expect 0 umview --cow "$D" -- sh -ec "cd project && node -e 'console.log(require(\"is-odd\")(7), require(\"left-pad\")(1, 3, 0))'"
expect_out '^true 001$'
[ ! -e project/node_modules ] || fail "node_modules is on the host"
# for all users of the view, by its root
expect 0 umview --cow "$D" --su -- npm install -g --prefix /usr/local --no-audit --no-fund cowsay
expect 0 umview --cow "$D" -- /usr/local/bin/cowsay moo
expect_out 'moo'
[ ! -e /usr/local/bin/cowsay ] || fail "cowsay is on the host"
