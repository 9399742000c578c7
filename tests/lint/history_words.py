#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fails where an event of a job is written whose kind web/api/words.cpp has no sentence for: the unit page would show the
bare kind. Also where words.cpp names one that nobody writes. Exit 0 clean, 1 with one line per breach."""
import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
WORDS = "web/api/words.cpp"
SCHEMA = ("station/db/migrations/0001_init.sql", "station/db/migrations/0002_truth.sql")
# Where an event begins: the braces of a journal::Event, or a function of the journal that makes one of a job.
EVENT = re.compile(r"\bEvent\s+\w+\{|\bappend\(\s*tx,\s*stamp,\s*\{|\bappend_of_job\(|\bappend_of_label\(|\bappend\(tx,\s*[\w.]+\(\),\s*\{")
LATER = re.compile(r"(\w+)\.kind\s*=\s*([\w:]+|\"[a-z._]+\");")
KIND = re.compile(r'"([a-z_]+\.[a-z_]*)"')
# Kinds that are made of a word and a state: the states are the schema's.
STATES = {"lease.": r"CREATE TABLE lease \(.*?state IN \(([^)]*)\)", "token.": r"token_change IN \(([^)]*)\)",
          "proof.": r"CREATE TABLE proof \(.*?kind IN \(([^)]*)\)"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources():
    for top in ("station", "serial-pool"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith(".cpp") and not name.endswith("_test.cpp"):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def arguments(text, at):
    """The top-level arguments between the bracket before `at` and its partner."""
    depth, quoted, out, begin = 0, False, [], at
    while at < len(text):
        c = text[at]
        if quoted:
            at += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "([{":
            depth += 1
        elif c in ")]}" and depth == 0:
            return out + [text[begin:at].strip()]
        elif c in ")]}":
            depth -= 1
        elif c == "," and depth == 0:
            out.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    return out


def whole_kinds(text, schema):
    for kind in KIND.findall(text):
        if not kind.endswith("."):
            yield kind
            continue
        states = re.search(STATES[kind], schema, re.S) if kind in STATES else None
        yield from [kind + state for state in re.findall(r"'(\w+)'", states.group(1))] if states else [kind + "?"]


def written(schema):
    """(kind, is it of a job, where) of every event the sources write."""
    names = dict(re.findall(r'string_view (k\w+) = ("[a-z_]+\.[a-z_]+");', read("station/audit/signer.h")))
    for path in sources():
        text = read(path)
        for found in EVENT.finditer(text):
            where = "%s:%d" % (path, text.count("\n", 0, found.start()) + 1)
            args = arguments(text, found.end())
            if found.group().startswith("append_of_job"):
                kind, of_job = args[4], True
            elif found.group().startswith("append_of_label"):
                kind, of_job = args[3], True
            else:
                kind, of_job = args[0], len(args) > 3 and args[3] != "{}"
            for one in whole_kinds(kind, schema):
                yield one, of_job, where
        for found in LATER.finditer(text):
            kind = names.get(found.group(2), found.group(2))
            of_job = re.search(r"\b%s\.job\s*=" % found.group(1), text[found.end():found.end() + 300]) is not None
            for one in whole_kinds(kind, schema):
                yield one, of_job, "%s:%d" % (path, text.count("\n", 0, found.start()) + 1)


def main():
    schema = "".join(read(path) for path in SCHEMA)
    words = read(WORDS)
    said = set(re.findall(r'HistoryRow\{"([^"]+)"', words)) | set(re.findall(r'kind == "([^"]+)"', words))
    kinds = list(written(schema))
    breaches = ["%s: %s has no sentence in %s" % (where, kind, WORDS) for kind, of_job, where in kinds if of_job and kind not in said]
    breaches += ["%s: nobody writes %s" % (WORDS, kind) for kind in sorted(said - {kind for kind, of_job, _ in kinds if of_job})]
    of_jobs = {kind for kind, of_job, _ in kinds if of_job}
    if len(of_jobs) < 15 or len(kinds) - len(of_jobs) < 10:
        breaches.append("the places that write events were not found (%d kinds of %d places)" % (len(of_jobs), len(kinds)))
    print("\n".join(breaches) or "history words: %d kinds of jobs, %d places" % (len(of_jobs), len(kinds)))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
