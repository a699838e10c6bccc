# SPDX-License-Identifier: GPL-2.0-or-later
# Real packages, with what each brings to be believed: users, set-gid, file capabilities, daemons; then removed again.
# needs: network
# level: full
# timeout: 1800
. "$(dirname "$0")/../lib.sh"
need_command curl curl

packages="jq openssh-server iputils-ping man-db sudo nginx-light postgresql python3-venv libcap2-bin"
port=$((20000 + $$ % 20000))
host_snapshot before
fresh_dir D
view() { umview --cow "$D" --su -- "$@"; }

# as in every chroot: daemons are not started by the packages' scripts
expect 0 view sh -c 'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d'
expect 0 apt_in_view "$D" update
# shellcheck disable=SC2086
expect 0 apt_in_view "$D" install --no-install-recommends $packages
# shellcheck disable=SC2086
expect 0 view dpkg-query -W -f '${Package} ${Status}\n' $packages
[ "$(printf '%s\n' "$out" | grep -c 'install ok installed')" = 9 ] || fail "not all are installed"

# jq
expect 0 umview --cow "$D" -- sh -c 'echo "{\"a\":[1,2]}" | jq -c .a'
expect_out '^\[1,2\]$'

# openssh-server: a set-gid program, a user, host keys that only root may read
expect 0 view stat -c '%a %G' /usr/bin/ssh-agent
expect_out '^2755 _ssh$'
expect 0 view id -u sshd
expect 0 view stat -c '%a %U' /etc/ssh/ssh_host_ed25519_key
expect_out '^600 root$'
expect 0 view sh -c 'mkdir -p /run/sshd && /usr/sbin/sshd -t'
# the set-gid bit takes effect in the view's terms
expect 0 umview --cow "$D" --su -- sh -c 'cp /usr/bin/id /usr/local/bin/id-of-ssh && chgrp _ssh /usr/local/bin/id-of-ssh &&
	chmod 2755 /usr/local/bin/id-of-ssh && su -s /bin/sh daemon -c "id-of-ssh -gn; ssh-agent echo the agent works"'
expect_out '^_ssh$'
expect_out '^the agent works$'

# iputils-ping: file capabilities
expect 0 view getcap /usr/bin/ping
expect_out 'cap_net_raw'

# man-db: the user man owns the cache
expect 0 view stat -c %U /var/cache/man
expect_out '^man$'
expect 0 view runuser -u man -- id -un
expect_out '^man$'

# sudo and su
expect 0 view sudo -n -u daemon id -un
expect_out '^daemon$'
expect 0 view sh -c 'echo "games ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/games && chmod 440 /etc/sudoers.d/games &&
	su -s /bin/sh games -c "sudo -n id -u; sudo -n cat /etc/sudoers.d/games"'
expect_out '^0$'
expect_out '^games ALL'

# adduser, and what the new user may and may not
expect 0 view sh -c 'adduser --disabled-password --gecos "" umnew && su - umnew -c "id -un; cd; pwd; touch mine; stat -c %U mine"'
expect_out '^umnew$'
expect_out '^/home/umnew$'
expect !0 view su - umnew -c 'touch /etc/not-mine'

# nginx: bound to a high port by its configuration, a page for curl
cat >site <<END
server { listen 127.0.0.1:$port; root /var/www/html; }
END
expect 0 view sh -ec 'rm -f /etc/nginx/sites-enabled/default; cp site /etc/nginx/sites-enabled/site; nginx -t;
	mkdir -p /var/www/html; echo "a page from the view" >/var/www/html/page; nginx
	echo secret >/var/www/html/secret; chmod 600 /var/www/html/secret
	i=0; until curl -fsS http://127.0.0.1:'"$port"'/page; do i=$((i + 1)); [ $i -lt 20 ]; sleep 0.5; done
	echo "status $(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:'"$port"'/secret)"; nginx -s stop; sleep 1'
expect_out '^a page from the view$'
# its workers are www-data, and may not read what is root's
expect_out '^status 403$'
expect !0 curl -s --max-time 2 "http://127.0.0.1:$port/page"

# postgresql: a cluster of user postgres, made (initdb) and started by that user.  Not "main": on a host that has
# PostgreSQL itself that is the host's, whose log the user may not read.
expect 0 view sh -ec 'cluster="$(ls /usr/lib/postgresql | tail -n 1) umview"
	pg_createcluster $cluster -p 54390
	pg_ctlcluster $cluster start; su - postgres -c "psql -p 54390 -tAc \"select 40 + 2\""
	su - postgres -c "createdb -p 54390 umview && psql -p 54390 -d umview -tAc \"create table t (x int); insert into t select generate_series(1, 1000); select sum(x) from t\""
	pg_ctlcluster $cluster stop -m fast'
expect_out '^42$'
expect_out '^500500$'
# what was written is there in the next run
expect 0 view sh -ec 'cluster="$(ls /usr/lib/postgresql | tail -n 1) umview"
	pg_ctlcluster $cluster start; su - postgres -c "psql -p 54390 -d umview -tAc \"select count(*) from t\""; pg_ctlcluster $cluster stop'
expect_out '^1000$'

# python3-venv
expect 0 umview --cow "$D" -- sh -ec 'python3 -m venv venv && venv/bin/python -c "import sys; print(sys.prefix != sys.base_prefix)" &&
	venv/bin/pip --version'
expect_out '^True$'

# shellcheck disable=SC2086
expect 0 view dpkg --verify $packages
equal "dpkg --verify" "$out" ""

expect 0 apt_in_view "$D" remove --purge --autoremove jq nginx-light
expect !0 umview --cow "$D" -- dpkg-query -s jq
expect !0 umview --cow "$D" -- sh -c 'command -v jq || command -v nginx'
expect !0 umview --cow "$D" -- ls -d /etc/nginx
expect 0 view apt-get check
expect 0 view dpkg --audit
equal "dpkg --audit" "$out" ""
host_untouched before
