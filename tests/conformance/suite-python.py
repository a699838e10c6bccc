# SPDX-License-Identifier: GPL-2.0-or-later
"""Python's own tests of what it does with the system: files, processes, signals, sockets, terminals.

level: full
timeout: 3600
modes: plain cow nested secure ptrace
suite: yes
"""
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import suite  # noqa: E402

FILES = """test_os test_posix test_posixpath test_genericpath test_pathlib test_stat test_tempfile test_shutil test_glob
	test_fnmatch test_file test_fileio test_io test_filecmp test_fileutils test_fcntl test_mmap test_tarfile test_zipfile
	test_zipapp test_mailbox test_dbm test_dbm_dumb test_dbm_gnu test_shelve test_unicode_file test_unicode_file_functions
	test_import test_cmd_line_script test_runpy test_pwd test_grp test_getpath"""
PROCESSES = """test_subprocess test_signal test_threadsignals test_eintr test_file_eintr test_fork1 test_wait3 test_wait4
	test_popen test_pipes test_resource test_threading test_faulthandler test_cmd_line test_sys test_time test_atexit
	test_multiprocessing_forkserver test_thread test_threadedtempfile test_uuid"""
SOCKETS = """test_socket test_socketserver test_select test_poll test_epoll test_selectors test_asyncore test_pty
	test_openpty test_ioctl test_timeout test_httpservers test_xmlrpc test_logging test_syslog"""
# passes or not natively, by chance or by the machine's load
FLAKY = re.compile("test_thread_time|test_process_time|test_monotonic|test_stress_delivery|test_timeout")


def result(case):
    for kind in ["error", "failure", "skipped"]:
        if case.find(kind) is not None:
            return kind.upper()
    return "PASS" if case.get("result") == "completed" else "SKIPPED"


def attempt(module, only):
    """The results of a module's tests, or of those whose names are given."""
    report = os.path.abspath("report.xml")
    argv = [sys.executable, "-m", "test", "--junit-xml", report, "--tempdir", os.path.abspath("tmp"), "-v", module]
    for name in only:
        argv += ["-m", name]
    with open("said", "a") as said:
        said.write("=== %s\n" % module)
        said.flush()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        try:
            status = child.wait(420)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            status = child.wait()
    if not os.path.exists(report):
        return {module: "status %d" % status}
    cases = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        name = re.sub(r" \(.*", "", case.get("name")).replace("test." + module, module)
        cases[name] = result(case)
    os.unlink(report)
    return cases


def one(module):
    """The results of a module; what fails is tried once more, for a few tests are too quick for a busy machine."""
    got = attempt(module, [])
    bad = [name for name, text in got.items() if text in ("ERROR", "FAILURE")]
    if 0 < len(bad) < 20:
        for name, text in attempt(module, [name.rpartition(".")[2] for name in bad]).items():
            if name in bad:
                got[name] = text
    return got


def main():
    suite.installed("libpython%d.%d-testsuite" % sys.version_info[:2])
    os.mkdir("tmp")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    cases = suite.Cases()
    for module in sys.argv[1:] or (FILES + PROCESSES + SOCKETS).split():
        for name, text in sorted(one(module).items()):
            if not FLAKY.search(name):
                cases.say(name, text)


main()
