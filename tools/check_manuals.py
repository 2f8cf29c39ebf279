#!/usr/bin/env python3
"""Compares what the programs say of themselves with the manual pages: every command and option must stand in its page, and the
page may name no option that the program does not know.
"""

import argparse
import pathlib
import re
import subprocess
import sys

TOOLS = {
    "wecutil": "wecutil.1",
    "wevtutil": "wevtutil.1",
    "winrm": "winrm.1",
    "pki": "muster-pki.1",
    "import": "muster-import.1",
    "store": "muster-store.1",
}
SERVICES = {"muster-collector": "muster-collector.8", "muster-forwarder": "muster-forwarder.8"}
# What a page may name besides: other ways to ask, and places.
NOT_OPTIONS = {"name", "long-name", "option", "help", "version"}


def page_text(path):
    """The page without its macros and escapes."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^\.(?:[A-Z]{1,2}|BR|RB|IR|RI|BI)\b ?", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\f[RIBP]", "", text).replace("\\-", "-").replace('"', "")
    return text


def help_of(program, *arguments):
    """What it prints; nothing for a command that is not available."""
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False).stdout


def commands(help_text):
    """(short name, long name, whether it is there) of each; nothing for a tool that is a single command."""
    if "Commands:\n" not in help_text:
        return []
    section = help_text.split("Commands:\n", 1)[1].split("\n\n", 1)[0]
    rows = [re.match(r"  (\w+)(?: \| ([\w-]+))?\s+(.*)", line) for line in section.splitlines()]
    return [(row[1], row[2], "not available in this version" not in row[3].lower()) for row in rows if row]


def options(help_text):
    """The names of options, without slash and dashes."""
    names = set()
    for line in help_text.splitlines():
        if re.match(r"  [/-]", line):
            names |= set(re.findall(r"(?:^  |, )(?:/|--?)([a-z][\w-]*)", line))
    return names


def missing_from(page, names):
    for name in names:
        if not re.search(rf"(?<![\w-])(?:/|--|-)?{re.escape(name)}(?![\w-])", page):
            yield name


def check_tool(muster, tool, page_path):
    page = page_text(page_path)
    help_text = help_of(muster, tool, "/?")
    known = set() if "Commands:\n" in help_text else options(help_text)
    wanted = set(known)
    for short, long_name, is_there in commands(help_text):
        known |= options(help_of(muster, tool, short, "/?"))
        if not is_there:
            continue
        wanted |= options(help_of(muster, tool, short, "/?"))
        for name in missing_from(page, filter(None, (short, long_name))):
            yield f"{page_path.name}: the command {name} is missing"
    for name in sorted(missing_from(page, wanted)):
        yield f"{page_path.name}: the option {name} is missing"
    for name in sorted(set(re.findall(r"(?<![\w/])--([a-z][\w-]*)", page)) - known - NOT_OPTIONS):
        yield f"{page_path.name}: there is no option --{name}"


def check_service(program, page_path):
    page = page_text(page_path)
    known = set(re.findall(r"--([\w-]+)", help_of(program, "--help")))
    for name in sorted(missing_from(page, known)):
        yield f"{page_path.name}: the option --{name} is missing"
    for name in sorted(set(re.findall(r"--([a-z][\w-]*)", page)) - known):
        yield f"{page_path.name}: there is no option --{name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=pathlib.Path, help="the folder that the programs were built into")
    programs = parser.parse_args().programs
    pages = pathlib.Path(__file__).resolve().parent.parent / "docs" / "man"
    wrong = []
    for tool, page in TOOLS.items():
        wrong += check_tool(programs / "muster", tool, pages / page)
    for service, page in SERVICES.items():
        wrong += check_service(programs / service, pages / page)
    for line in wrong:
        print(line)
    print(f"{len(wrong)} differences between programs and manual pages")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
