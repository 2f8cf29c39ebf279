#!/usr/bin/env python3
"""Writes each trap and sees whether the check finds it, and only it."""

import unittest

import check_traps


class CheckTraps(unittest.TestCase):
    def found(self, text, path="engine/http/a.cc"):
        return check_traps.check_text(path, text)

    def test_an_aggregate_inside_an_await_is_found(self):
        for text in ("co_await f(Call{1});", "co_await store_.append(id, Batch{});", "co_await a->b(\n    Call{1});"):
            with self.subTest(text):
                self.assertEqual(len(self.found(text)), 1)

    def test_a_named_aggregate_is_allowed(self):
        self.assertEqual(self.found("auto call = Call{1};\nco_await f(std::move(call));"), [])

    def test_a_coroutine_lambda_that_captures_is_found(self):
        self.assertEqual(len(self.found("auto f = [this](int a) -> base::Task<void> { co_return; };")), 1)
        self.assertEqual(len(self.found("auto f = [&]() mutable -> base::AsyncResult<int> { co_return 1; };")), 1)

    def test_a_coroutine_lambda_without_captures_is_allowed(self):
        self.assertEqual(self.found("auto f = [](Loop& loop) -> base::Task<void> { co_return; };"), [])

    def test_detaching_is_found(self):
        self.assertEqual(len(self.found("co_spawn(e, t(), asio::detached);")), 1)
        self.assertEqual(len(self.found("thread.detach();")), 1)

    def test_comments_and_texts_are_passed_over(self):
        self.assertEqual(self.found('// detached\nconst char* a = "detached";\n/* abort() */\n'), [])

    def test_marks_are_found_in_comments_with_their_line(self):
        mark = "TO" + "DO"
        self.assertEqual(self.found(f"int a;\n// {mark}: more\n"), ["engine/http/a.cc:2: unfinished work is an issue, not a mark"])

    def test_a_header_without_guard_is_found(self):
        self.assertEqual(len(self.found("int a;\n", "engine/http/a.h")), 1)
        self.assertEqual(self.found("#pragma once\n", "engine/http/a.h"), [])

    def test_a_long_file_is_found(self):
        self.assertEqual(len(self.found("int a;\n" * (check_traps.MAX_LINES + 1))), 1)


if __name__ == "__main__":
    unittest.main()
