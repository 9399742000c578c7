#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The contract of a batch file a second time, written without a look at the C++: `lineside check batch --json` must give the
same verdict, count and lines for files made of everything that goes wrong with spreadsheets."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

LINESIDE = sys.argv.pop(1)
FILES = int(os.environ.get("BATCH_FILES", "250"))
SEED = int(os.environ.get("BATCH_SEED", "1"))
SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
TOKEN = re.compile(r"[!-~]{1,4096}\Z")


def line_ends(text, at):
    return text[at:at + 1] in ("", "\n") or text[at:at + 2] == "\r\n"


def quoted(text, at):
    """(value, behind it, line breaks in it), or None for a quote that is never closed; `at` is behind the opening one."""
    value, breaks = [], 0
    while at < len(text):
        if text[at] == '"':
            if text[at + 1:at + 2] != '"':
                return "".join(value), at + 1, breaks
            at += 1
        breaks += text[at] == "\n"
        value.append(text[at])
        at += 1
    return None


def blanks(text, at, separator):
    while at < len(text) and text[at] in " \t" and text[at] != separator:
        at += 1
    return at


def rows(text, separator):
    """(line of the end, [(value, line)], line of what cannot be read or None) of each row that is no comment and not blank."""
    at, line = 0, 1
    while at < len(text):
        stop = text.find("\n", at)
        whole = text[at:stop if stop >= 0 else len(text)]
        body = whole[:-1] if whole.endswith("\r") and stop >= 0 else whole
        if whole.startswith("#") or not body.strip(" \t"):
            if "\r" in body:
                yield line, [], line
            at, line = stop + 1 if stop >= 0 else len(text), line + 1
            continue
        fields, problem, now = [], None, line
        while problem is None:
            at = blanks(text, at, separator)
            begun = now
            if text[at:at + 1] == '"':
                found = quoted(text, at + 1)
                end = found and blanks(text, found[1], separator)
                if not found or not (line_ends(text, end) or text[end] == separator):
                    problem = begun
                    break
                value, now = found[0], now + found[2]
            else:
                end = at
                while end < len(text) and text[end] not in separator + '\r\n"':
                    end += 1
                if end < len(text) and text[end] != separator and not line_ends(text, end):
                    problem = now
                    break
                value = text[at:end]
            fields.append((value.strip(" \t"), begun))
            at = end
            if text[at:at + 1] != separator:
                break
            at += 1
        yield now, fields, problem
        line = (problem or now) + 1      # on with the line behind the complaint
        at = sum(len(part) + 1 for part in text.split("\n")[:line - 1])


def separator_of(text):
    best = (-1, ",")
    for separator in ",;\t":
        _, fields, _ = next(rows(text, separator), (0, [], None))
        if len(fields) > 1:
            names = sum(value.lower() in ("serial", "token") for value, _ in fields)
            best = max(best, (1000 * names + (100 if SERIAL.match(fields[0][0]) else 0), separator), key=lambda pair: pair[0])
    return best[1]


class Batch:
    """`errors` are the lines complained about, None where the bytes are no text."""

    def __init__(self, data, test_only):
        self.test_only, self.errors, self.pairs, self.tokens = test_only, [], {}, {}
        try:
            text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            self.errors = None
            return
        self.serial, self.token, self.columns = 0, 1, 2
        self.read(text)

    def read(self, text):
        data_rows = 0
        for number, (line, fields, problem) in enumerate(rows(text, separator_of(text))):
            names = [value.lower() for value, _ in fields]
            if number == 0 and {"serial", "token"} & set(names):
                if not self.header(names, line, problem):
                    return
                continue
            data_rows += 1
            if problem:
                self.errors.append(problem)
            elif len(fields) > self.columns:
                self.errors.append(fields[self.columns][1])
            else:
                self.row(fields, line)
        if not data_rows and not self.errors:
            self.errors.append(1)

    def header(self, names, line, problem):
        if problem or names.count("serial") != 1 or names.count("token") > 1:
            self.errors.append(problem or line)
            return False
        self.serial, self.columns = names.index("serial"), len(names)
        self.token = names.index("token") if "token" in names else None
        if self.token is None and not self.test_only:
            self.errors.append(line)
        return True

    def row(self, fields, line):
        def field(column):
            return fields[column] if column is not None and column < len(fields) else ("", line)
        serial, token = field(self.serial), field(self.token)
        bad = [] if SERIAL.match(serial[0]) else [serial[1]]
        if token[0]:
            bad += [] if TOKEN.match(token[0]) else [token[1]]
        elif not self.test_only and self.token is not None:
            bad.append(token[1])
        if not bad:
            key = serial[0].lower()
            if self.pairs.get(key) == (serial[0], token[0]):
                return
            bad += [serial[1]] if key in self.pairs else []
            bad += [token[1]] if token[0] and self.tokens.get(token[0], key) != key else []
        if bad:
            self.errors += bad
            return
        self.pairs[key] = (serial[0], token[0])
        self.tokens.setdefault(token[0], key)

    def answer(self):
        good = self.errors == []
        return ("accept" if good else "reject", len(self.pairs) if good else 0, sorted(set(self.errors or [])))


SERIALS = ["A1", "a1", "A2", "B-3", "0001", "S" * 64, "S" * 65, "-x", "\u00e91", "A 1", "", "serial", "token", "A.1", "#A"]
TOKENS = ["t1", "t2", "T1", "t" * 4096, "t" * 4097, "#x", "a,b", "a;b", "a\tb", 'q"q', "", "\u00e9", "a b", "token", "\u00a0t", "x\ny",
          "x\r\ny", "\x7f", "\x01"]
HEADERS = [["serial", "token"], ["token", "serial"], ["Serial", "x", "TOKEN"], ["x", "serial", "token"], ["serial"], ["token"],
           ["serial", "serial"], ["serial", "token", "token"], ["serial", "token", ""]]
BETWEEN = ["# c", "#a;b,c", "", "  ", "\t", '#"', " # no"]


class Maker:
    def __init__(self, seed):
        self.dice = random.Random(seed)

    def often(self, chance):
        return self.dice.random() < chance

    def field(self, value):
        if self.often(0.35) or (any(c in value for c in ',;\t"\n\r') and self.often(0.9)):
            value = '"' + value.replace('"', '""') + '"'
        return self.dice.choice(["", "", "", "", "", "", "", " ", "\t"]) + value + self.dice.choice(["", "", "", "", "", "", " ", "\t "])

    def row(self, columns):
        good = self.often(0.7)
        values = {"serial": SERIALS[:5] if good else SERIALS, "token": TOKENS[:3] if good else TOKENS}
        row = [self.field(self.dice.choice(values.get(name.lower(), ["", "n", "a b", "m\nn"]))) for name in columns]
        if self.often(0.1):
            row = row[:-1] if self.often(0.5) else row + [self.field("x")]
        return row

    def file(self):
        separator, end = self.dice.choice(",,,;\t"), self.dice.choice(["\n", "\n", "\r\n", "\r\n", "\r"])
        lines = [self.dice.choice(BETWEEN) for _ in range(self.dice.randrange(3))]
        columns = ["serial", "token"]
        if self.often(0.4):
            columns = self.dice.choice(HEADERS)
            lines.append(separator.join(self.field(name) for name in columns))
        for _ in range(self.dice.randrange(5)):
            lines.append((self.dice.choice(",;\t") if self.often(0.04) else separator).join(self.row(columns)))
            lines += [self.dice.choice(BETWEEN)] if self.often(0.1) else []
        text = end.join(lines) + (end if self.often(0.7) else "")
        if text and self.often(0.15):
            at = self.dice.randrange(len(text))
            text = text[:at] + self.dice.choice(['"', "\r", "\n", "\0", "#", ",", ";", "\t", " ", "\ufeff"]) + text[at + self.dice.randrange(2):]
        data = (b"\xef\xbb\xbf" if self.often(0.15) else b"") + text.encode()
        return self.dice.choice([text.encode(c, "replace") for c in ("utf-16", "utf-16-be", "latin-1")]) if self.often(0.03) else data


class Reference(unittest.TestCase):
    def test_both_readings_agree(self):
        maker, verdicts = Maker(SEED), set()
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            for number in range(FILES):
                data, test_only = maker.file(), maker.often(0.3)
                file.seek(0)
                file.truncate()
                file.write(data)
                file.flush()
                done = subprocess.run([LINESIDE, "check", "batch", file.name, "--json"] + ["--test-only"] * test_only,
                                      capture_output=True, check=False)
                said = json.loads(done.stdout)
                wanted = Batch(data, test_only)
                what = "file %d of seed %d, test_only %s: %r" % (number, SEED, test_only, data[:400])
                self.assertEqual(set(said), {"verdict", "count", "warnings", "errors"}, what)
                lines = sorted({error["line"] for error in said["errors"]}) if wanted.errors is not None else []
                self.assertEqual((said["verdict"], said["count"], lines), wanted.answer(), what)
                self.assertEqual(done.returncode, 0 if said["verdict"] == "accept" else 1, what)
                verdicts.add(said["verdict"])
        self.assertEqual(len(verdicts), 2, "the files were all of one kind")


if __name__ == "__main__":
    unittest.main()
