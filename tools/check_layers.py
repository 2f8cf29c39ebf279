#!/usr/bin/env python3
"""Checks who includes whom against the layer table of ARCHITECTURE.md.

Prints one line "FILE:LINE: what is wrong" for each violation and ends with status 1 if there was one.
"""

import argparse
import pathlib
import re
import sys

# A folder may include itself and these. Change this table, the DEPS in the CMakeLists.txt and ARCHITECTURE.md together.
BASE = {"engine/base"}
WSMAN = BASE | {"engine/xml", "engine/http", "engine/auth", "engine/wsman"}
BELOW_SERVICE = WSMAN | {"engine/config", "events", "engine/resources", "storage", "subscriptions"}
LAYERS = {
    "engine/base": set(),
    "engine/xml": BASE,
    "engine/http": BASE,
    "engine/auth": BASE,
    "engine/wsman": BASE | {"engine/http", "engine/auth", "engine/xml"},
    "events": BASE | {"engine/xml"},
    "engine/resources": BASE | {"engine/wsman", "events", "engine/auth", "engine/xml"},
    "storage": BASE | {"events"},
    "engine/config": BASE | {"storage", "engine/wsman", "engine/auth", "engine/xml"},
    "subscriptions": BASE | {"storage", "events", "engine/resources", "engine/wsman", "engine/auth", "engine/xml"},
    "engine/service": BELOW_SERVICE,
    "collector": BELOW_SERVICE | {"engine/service"},
    "forwarder": BELOW_SERVICE | {"engine/service"},
    "cli": BELOW_SERVICE | {"engine/service"},
}
# Tests may include everything.
UNCHECKED = ("tests/",)

# Libraries that stay behind one door: what an include of them looks like, and the files that may have it.
DOORS = [
    ("Boost.Beast", re.compile(r"boost/beast"), re.compile(r"engine/http/[^/]+\.cc|engine/base/asio\.cc")),
    ("RapidXML", re.compile(r"rapidxml"), re.compile(r"engine/xml/[^/]+\.cc")),
    ("toml++", re.compile(r"toml\+\+"), re.compile(r"engine/service/settings\.cc")),
    ("SQLite", re.compile(r"sqlite3"), re.compile(r"storage/[^/]+")),
    ("zstd", re.compile(r"zstd"), re.compile(r"storage/[^/]+")),
    ("CLI11", re.compile(r"CLI/|CLI11"), re.compile(r"engine/service/program\.cc|[^/]+/main\.cc")),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
LIBRARY = re.compile(r"house_library\((\w+)(.*?)\)", re.DOTALL)


def folder_of(path, layers):
    """The layer that `path` belongs to, or None."""
    matches = [folder for folder in layers if path.startswith(folder + "/")]
    return max(matches, key=len) if matches else None


def check_include(path, quoted, target, root, layers):
    """What is wrong with one include, or None."""
    for library, pattern, door in DOORS:
        if pattern.search(target) and not door.fullmatch(path):
            return f"{library} is included outside its door ({door.pattern})"
    if not quoted:
        return None
    if not (root / target).is_file():
        return f'"{target}" is not a file; include paths start at the root'
    source, destination = folder_of(path, layers), folder_of(target, layers)
    if source is None:
        return f"{path} is in no folder of the layer table"
    if destination is None:
        return f'"{target}" is in no folder of the layer table'
    if destination != source and destination not in layers[source]:
        return f'{source} may not include {destination} ("{target}")'
    return None


def check_sources(root, layers):
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        if file.suffix not in (".h", ".cc") or path.startswith(UNCHECKED + ("build/",)):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if include := INCLUDE.match(line):
                wrong = check_include(path, include[1] == '"', include[2], root, layers)
                if wrong:
                    yield f"{path}:{number}: {wrong}"


def check_libraries(root, layers):
    """The DEPS of each house_library() are the same table once more."""
    for folder in layers:
        lists = root / folder / "CMakeLists.txt"
        for library in LIBRARY.finditer(lists.read_text(encoding="utf-8") if lists.is_file() else ""):
            for name in re.findall(r"house::(\w+)", library[2]):
                target = next((other for other in layers if other.split("/")[-1] == name), None)
                if target is None or (target != folder and target not in layers[folder]):
                    line = lists.read_text(encoding="utf-8")[: library.start()].count("\n") + 1
                    yield f"{folder}/CMakeLists.txt:{line}: {folder} may not depend on house::{name}"


def check(root, layers=None):
    """Every violation below `root`, as a list of lines."""
    layers = LAYERS if layers is None else layers
    return [*check_sources(root, layers), *check_libraries(root, layers)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    violations = check(parser.parse_args().root)
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations of the layer table")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
