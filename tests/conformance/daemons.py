# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers as an ordinary user runs them: PostgreSQL, sshd, nginx; of packages that are not installed.

level: full
needs: network
timeout: 600
modes: plain cow nested secure ptrace
"""
import glob
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import suite  # noqa: E402

WORK = os.getcwd()


def say(name, text):
    print("%s: %s" % (name, text), flush=True)


def run(*argv, **more):
    """Exit status and output, in which nothing says where it was."""
    r = subprocess.run(argv, stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", timeout=400, env=dict(os.environ, LC_ALL="C"), **more)
    with open("said", "a") as f:
        f.write("=== %s: %d\n%s" % (argv, r.returncode, r.stdout))
    return r.returncode, r.stdout.replace(WORK, "WORK").strip()


def told(name, *argv, **more):
    """Says the status and the lines of the output."""
    status, output = run(*argv, **more)
    say(name, "%d, %s" % (status, " / ".join(output.splitlines())))


def quietly(name, *argv):
    status, output = run(*argv)
    say(name, "done" if status == 0 else "status %d, %s" % (status, " / ".join(output.splitlines()[-3:])))
    return status == 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, child):
    """Does somebody listen there, before the child ends?"""
    end = time.monotonic() + 120
    while time.monotonic() < end and child.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def ended(child):
    """The status of a server after SIGTERM."""
    child.send_signal(signal.SIGTERM)
    try:
        return child.wait(60)
    except subprocess.TimeoutExpired:
        child.kill()
        return "killed"


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def postgresql():
    names = subprocess.run(["apt-cache", "depends", "postgresql"], stdout=subprocess.PIPE, text=True).stdout
    server = re.search(r"postgresql-(\d+)", names)
    if not server:
        suite.skip("apt knows no package postgresql")
    files = suite.unpacked(server.group(), "postgresql-client-" + server.group(1), "libpq5")
    bin = "%s/usr/lib/postgresql/%s/bin/" % (files, server.group(1))
    os.environ["LD_LIBRARY_PATH"] = glob.glob(files + "/usr/lib/*/libpq.so.5")[0].rpartition("/")[0]
    suite.runnable(bin + "postgres")
    data, port = WORK + "/pg", free_port()
    os.mkdir("s")
    # sockets have short names
    options = "-c listen_addresses= -c unix_socket_directories=s -c fsync=off -p %d" % port
    options = options.replace("=s ", "=%s " % (WORK + "/s"))
    if not quietly("postgresql/initdb", bin + "initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-locale"):
        return
    if not quietly("postgresql/start", bin + "pg_ctl", "-D", data, "-w", "-t", "200", "-l", WORK + "/pg.log", "-o", options,
                   "start"):
        return
    try:
        base = ["-h", WORK + "/s", "-p", str(port), "-U", "tester"]
        sql = [bin + "psql"] + base + ["-X", "-A", "-t", "-d", "postgres", "-c"]
        told("postgresql/table", *sql, "create table t as select i, i * i as q from generate_series(1, 5000) i")
        told("postgresql/sum", *sql, "select count(*), sum(q) from t")
        told("postgresql/index", *sql, "create index on t (q)")
        told("postgresql/parallel", *sql, "set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0;"
             "set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; select sum(i) from t")
        told("postgresql/who", *sql, "select usename, client_addr is null from pg_stat_activity where pid = pg_backend_pid()")
        quietly("postgresql/pgbench-init", bin + "pgbench", *base, "-i", "-q", "postgres")
        quietly("postgresql/pgbench", bin + "pgbench", *base, "-n", "-c", "3", "-t", "30", "postgres")
        told("postgresql/history", *sql, "select count(*) from pgbench_history")
        status, dump = run(bin + "pg_dump", *base, "-t", "t", "postgres")
        say("postgresql/dump", "%d, %d lines" % (status, len(dump.splitlines())))
        told("postgresql/cancel", *sql, "set statement_timeout = 200; select pg_sleep(100)")
        told("postgresql/copy", *sql, "copy t to '%s/t.copy'" % WORK)
        say("postgresql/copied", os.path.getsize("t.copy") if os.path.exists("t.copy") else "nothing")
    finally:
        # a crash, and what is there after it
        with open(data + "/postmaster.pid") as f:
            first = f.read().splitlines()
        quietly("postgresql/stop-immediate", bin + "pg_ctl", "-D", data, "-w", "-t", "200", "-m", "immediate", "stop")
    quietly("postgresql/recovery", bin + "pg_ctl", "-D", data, "-w", "-t", "200", "-l", WORK + "/pg.log", "-o", options, "start")
    told("postgresql/history-after", *sql, "select count(*) from pgbench_history")
    quietly("postgresql/stop", bin + "pg_ctl", "-D", data, "-w", "-t", "200", "-m", "fast", "stop")
    say("postgresql/files", "%d lines of postmaster.pid, gone: %s" % (len(first), not os.path.exists(data + "/postmaster.pid")))


# --- sshd ---------------------------------------------------------------------------------------------------------------


def ssh():
    place, port = WORK + "/k", free_port()
    sshd = suite.runnable(suite.unpacked("openssh-server") + "/usr/sbin/sshd")
    os.mkdir(place, 0o700)
    for name in ["host", "user"]:
        quietly("ssh/key-" + name, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "%s/%s" % (place, name))
    os.link(place + "/user.pub", place + "/authorized")
    with open(place + "/config", "w") as f:
        f.write("ListenAddress 127.0.0.1:%d\nHostKey %s/host\nPidFile none\nUsePAM no\nAuthorizedKeysFile %s/authorized\n"
                "StrictModes no\nPasswordAuthentication no\nAllowTcpForwarding yes\n"
                "Subsystem sftp internal-sftp\n" % (port, place, place))
    told("ssh/config", sshd, "-t", "-f", place + "/config")
    with open(place + "/log", "w") as log:
        server = subprocess.Popen([sshd, "-D", "-e", "-f", place + "/config"], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log)
    say("ssh/listens", wait_for_port(port, server))
    common = ["-F", "none", "-i", place + "/user", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
              "-o", "UserKnownHostsFile=%s/known" % place, "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60"]
    client = ["ssh"] + common + ["-p", str(port), "127.0.0.1"]
    told("ssh/command", *client, "echo hello; exit 3")
    told("ssh/connection", *client, 'echo "${SSH_CONNECTION%% *}"')
    told("ssh/terminal", *client[:1], "-tt", *client[1:], "test -t 0 && stty size; tty | sed 's/[0-9]*$//'; ps -o tty= -p $$ | tr -d 0-9")
    with open("pipe.in", "wb") as f:
        f.write(b"0123456789abcdef" * 65536)
    with open("pipe.in") as f:
        told("ssh/data", *client, "cksum", stdin=f)
    quietly("ssh/scp", "scp", *common, "-P", str(port), "pipe.in", "127.0.0.1:%s/scp.out" % WORK)
    say("ssh/scp-size", os.path.getsize("scp.out") if os.path.exists("scp.out") else "nothing")
    with open("batch", "w") as f:
        f.write("cd %s\nmkdir sftp\nput pipe.in sftp/a\nchmod 640 sftp/a\nrename sftp/a sftp/b\nsymlink b sftp/c\nls -1 sftp\n" % WORK)
    told("ssh/sftp", "sftp", *common, "-P", str(port), "-b", "batch", "127.0.0.1")
    say("ssh/sftp-mode", oct(os.stat("sftp/b").st_mode) if os.path.exists("sftp/b") else "nothing")
    master = ["-o", "ControlPath=%s/m" % place]
    quietly("ssh/master", *client[:1], *master, "-o", "ControlMaster=yes", "-N", "-f", *client[1:])
    told("ssh/shared", *client[:1], *master, *client[1:], "echo over the socket")
    told("ssh/master-exit", *client[:1], *master, "-O", "exit", *client[1:])
    agent = "eval $(ssh-agent -a %s/agent); ssh-add -q %s/user; ssh-add -l | cut -d' ' -f1,4; kill $SSH_AGENT_PID" % (place, place)
    status, output = run("sh", "-c", agent)
    say("ssh/agent", "%d, %s" % (status, output.splitlines()[-1:][0].split()[-1:]))
    say("ssh/end", ended(server))
    with open(place + "/log") as f:
        say("ssh/log", "%d accepted" % f.read().count("Accepted publickey"))


# --- nginx --------------------------------------------------------------------------------------------------------------


def nginx():
    place, port = WORK + "/nginx", free_port()
    program = suite.runnable(suite.unpacked("nginx") + "/usr/sbin/nginx")
    os.makedirs(place + "/www")
    with open(place + "/www/page", "w") as f:
        f.write("hello " * 50000)
    with open(place + "/conf", "w") as f:
        f.write("daemon off; worker_processes 2; pid %s/pid; error_log %s/error;\n"
                "events { worker_connections 64; }\n"
                "http { access_log %s/access; client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3;\n"
                " uwsgi_temp_path %s/t4; scgi_temp_path %s/t5; sendfile on; aio threads; autoindex on;\n"
                " server { listen 127.0.0.1:%d; root %s/www; location /back { proxy_pass http://unix:%s/sock:/page; } }\n"
                " server { listen unix:%s/sock; root %s/www; } }\n" % ((place,) * 8 + (port,) + (place,) * 4))
    server = subprocess.Popen([program, "-p", place, "-e", place + "/error", "-c", place + "/conf"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    say("nginx/listens", wait_for_port(port, server))
    url = "http://127.0.0.1:%d" % port
    for name, path in [("file", "/page"), ("list", "/"), ("proxy", "/back"), ("none", "/none")]:
        told("nginx/" + name, "curl", "-s", "--max-time", "60", "-o", "got", "-w", "%{http_code} %{size_download}", url + path)
    told("nginx/range", "curl", "-s", "--max-time", "60", "-r", "6-10", url + "/page")
    os.rename(place + "/access", place + "/access.1")
    server.send_signal(signal.SIGUSR1)
    end = time.monotonic() + 60
    while not os.path.exists(place + "/access") and time.monotonic() < end:
        time.sleep(0.05)
    say("nginx/reopened", os.path.exists(place + "/access"))
    server.send_signal(signal.SIGHUP)
    told("nginx/after-reload", "curl", "-s", "--max-time", "60", "-o", "got", "-w", "%{http_code}", url + "/page")
    server.send_signal(signal.SIGQUIT)
    try:
        say("nginx/end", server.wait(60))
    except subprocess.TimeoutExpired:
        server.kill()
        say("nginx/end", "killed")
    say("nginx/socket", "left" if os.path.exists(place + "/sock") else "gone")


postgresql()
del os.environ["LD_LIBRARY_PATH"]
ssh()
nginx()
