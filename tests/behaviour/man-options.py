# SPDX-License-Identifier: GPL-2.0-or-later
"""Each command's --help and its page name the same options."""
import os
import re
import subprocess
import sys

SRC = os.environ["UMVIEW_SRC"]
BUILD = os.environ["UMVIEW_BUILD"]
OPTION = re.compile(r"(?<![\w-])--?[A-Za-z](?:[a-z-]*[a-z])?(?![\w])")


def plain(page):
    """A page's text without what troff makes of it, and only what is said of options."""
    text = re.sub(r"\\f.|\\&", "", page).replace("\\-", "-").replace('"', " ")
    return re.sub(r"(?m)^\.[A-Z]+ ", "", text)


def options(text):
    found = set()
    for word in OPTION.findall(text):
        if word.startswith("--") or len(word) == 2:
            found.add(word)
        else:
            found.update("-" + letter for letter in word[1:])   # -rw
    return found


bad = 0
names = sorted(name[:-2] for name in os.listdir(SRC + "/man") if name.endswith(".1"))
if len(names) < 10:
    sys.exit("FAILED: pages are missing")
for name in names:
    done = subprocess.run([f"{BUILD}/{name}", "--help"], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"FAILED: {name} --help: {done.stderr}")
    with open(f"{SRC}/man/{name}.1") as f:
        page = plain(f.read())
    described = page.split(".SH OPTIONS", 1)[-1].split(".SH ", 1)[0] if ".SH OPTIONS" in page else page
    helped = options(re.sub(r"\[=FILE\]", "", done.stdout))
    missing = helped - options(page)
    heads = set()
    for head in re.findall(r"(?m)^\.TP\n(.*)", described):
        if head.lstrip().startswith("-"):
            heads |= options(head)
    unknown = heads - helped
    if missing or unknown:
        print(f"{name}: only in --help: {sorted(missing)}; only in the page: {sorted(unknown)}")
        bad += 1
sys.exit(bad != 0)
