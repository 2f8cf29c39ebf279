#!/usr/bin/env python3
"""Finds what compiles and must not be written all the same: see "Traps" in docs/threading.md.

Prints one line "FILE:LINE: what is wrong" for each and ends with status 1 if there was one.
"""

import argparse
import pathlib
import re
import sys

SOURCES = (".h", ".cc")
FOLDERS = ("engine", "events", "storage", "subscriptions", "collector", "forwarder", "cli", "tests")
MAX_LINES = 700

# Each is tried on a file whose comments and texts have been blanked out.
TRAPS = [
    (re.compile(r"\bco_await\s+[\w.:>\-]+\(\s*(?:[^;{}]*,\s*)?[A-Z]\w*\{"),
     "an aggregate made inside an await is destroyed twice by g++ 12: name it first, then move it in"),
    (re.compile(r"\[(?:[^\[\]\s][^\[\]]*)\]\s*\([^()]*\)\s*(?:mutable\s*)?->\s*(?:base::)?(?:Task|AsyncResult)<"),
     "a lambda that is a coroutine may not capture: what it captured dies with the lambda, give it parameters"),
    (re.compile(r"\bdetached\b|\.detach\(\)"), "nothing runs detached: a base::TaskGroup owns it"),
    (re.compile(r"\bdie\(\)|\babort\(\)"), "a broken invariant calls base::die with a text"),
]
MARKS = re.compile(r"\b(?:TODO|FIXME|XXX)\b")

# Places that have a reason: die() itself, and a fuzzer, which says by it what it has found.
EXCEPTIONS = {("engine/base/die.cc", "a broken invariant calls base::die with a text"),
              ("tests/fuzz", "a broken invariant calls base::die with a text")}

COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blanked(text):
    """`text` without comments and literals; line numbers stay."""
    return COMMENT_OR_TEXT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def check_text(path, text):
    """Every trap in one file, as lines."""
    found = []
    code = blanked(text)
    for pattern, wrong in TRAPS:
        for match in pattern.finditer(code):
            if not EXCEPTIONS & {(path, wrong), (path.rpartition("/")[0], wrong)}:
                found.append(f"{path}:{code.count(chr(10), 0, match.start()) + 1}: {wrong}")
    for match in MARKS.finditer(text):
        found.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: unfinished work is an issue, not a mark")
    if path.endswith(".h") and "#pragma once" not in code:
        found.append(f"{path}:1: a header begins with #pragma once")
    if text.count("\n") > MAX_LINES:
        found.append(f"{path}:{MAX_LINES}: longer than {MAX_LINES} lines: one subject each")
    return found


def check(root):
    found = []
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in SOURCES:
                found += check_text(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    found = check(parser.parse_args().root)
    for line in found:
        print(line)
    print(f"{len(found)} traps")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
