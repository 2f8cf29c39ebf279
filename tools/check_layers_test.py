#!/usr/bin/env python3
"""Plants violations of the layer table and sees whether the check finds them."""

import pathlib
import tempfile
import unittest

import check_layers


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for header in ("engine/base/result.h", "engine/xml/document.h", "events/event.h", "storage/event_store.h",
                       "collector/service.h", "cli/json.h"):
            self.write(header, "#pragma once\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def violations(self, path, text):
        self.write(path, text)
        return check_layers.check(self.root)

    def test_an_include_that_points_down_is_allowed(self):
        self.assertEqual(self.violations("storage/a.cc", '#include <vector>\n#include "events/event.h"\n'), [])

    def test_an_include_within_the_folder_is_allowed(self):
        self.assertEqual(self.violations("storage/a.cc", '#include "storage/event_store.h"\n'), [])

    def test_an_include_that_points_up_is_found_with_its_line(self):
        self.assertEqual(self.violations("events/a.cc", '\n#include "storage/event_store.h"\n'),
                         ['events/a.cc:2: events may not include storage ("storage/event_store.h")'])

    def test_a_program_that_includes_another_is_found(self):
        self.assertEqual(self.violations("cli/a.cc", '#include "collector/service.h"\n'),
                         ['cli/a.cc:1: cli may not include collector ("collector/service.h")'])

    def test_an_include_from_the_file_s_own_folder_by_short_name_is_found(self):
        self.assertEqual(self.violations("storage/a.cc", '#include "event_store.h"\n'),
                         ['storage/a.cc:1: "event_store.h" is not a file; include paths start at the root'])

    def test_tests_may_include_everything(self):
        self.assertEqual(self.violations("tests/cli/a.cc", '#include "collector/service.h"\n#include <sqlite3.h>\n'), [])

    def test_a_folder_outside_the_table_is_found(self):
        self.assertEqual(self.violations("elsewhere/a.cc", '#include "events/event.h"\n'),
                         ["elsewhere/a.cc:1: elsewhere/a.cc is in no folder of the layer table"])

    def test_a_library_outside_its_door_is_found(self):
        cases = {
            "engine/http/message.h": "boost/beast/http.hpp",
            "events/a.cc": "rapidxml/rapidxml.hpp",
            "cli/b.cc": "toml++/toml.h",
            "events/c.cc": "sqlite3.h",
            "storage/d.cc": "CLI/CLI.hpp",
        }
        for path, header in cases.items():
            with self.subTest(path):
                found = self.violations(path, f"#include <{header}>\n")
                self.assertTrue(found and "outside its door" in found[0], found)
                (self.root / path).unlink()

    def test_a_library_behind_its_door_is_allowed(self):
        for path, header in {"engine/http/message.cc": "boost/beast/http.hpp", "storage/database.cc": "sqlite3.h"}.items():
            self.assertEqual(self.violations(path, f"#include <{header}>\n"), [])

    def test_a_dependency_between_libraries_that_points_up_is_found(self):
        lists = "# The sources.\nhouse_library(events SOURCES event.cc DEPS house::base house::storage)\n"
        self.assertEqual(self.violations("events/CMakeLists.txt", lists),
                         ["events/CMakeLists.txt:2: events may not depend on house::storage"])


if __name__ == "__main__":
    unittest.main()
