# SPDX-License-Identifier: Apache-2.0
"""All that a station says of what it made: pages' answers, exports with the ZIP unpacked, certificates, logs, previews of labels.
What must be nowhere is looked for in each."""
import base64
import io
import json
import urllib.parse
import zipfile

PAGES = ("/api/v1/wall", "/api/v1/status", "/api/v1/pool", "/api/v1/records?limit=500", "/api/v1/orders", "/api/v1/images", "/api/v1/labels", "/api/v1/slots?since=2026-11-20&until=2026-11-21",
         "/api/v1/shifts", "/api/v1/wall/numbers", "/api/v1/keys", "/api/v1/audit/journal", "/api/v1/session", "/api/v1/recipes",
         "/api/v1/doctor", "/metrics", "/healthz", "/")
FORMATS = ("csv", "json", "zip")


def members(body):
    """Name and content of each member of a ZIP, its checksums compared."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for info in archive.infolist():
            yield info.filename, archive.read(info)


def all_answers(api, labels=False):
    """(where, status, bytes) of each; of a ZIP each member too. `labels`: the station has a printer."""
    for target in PAGES:
        yield (target, *api.raw("GET", target))
    for name in FORMATS:
        target = "/api/v1/records/export?format=" + name
        status, body = api.raw("GET", target)
        yield target, status, body
        if name == "zip" and status == 200:
            for member, content in members(body):
                yield "%s!%s" % (target, member), status, content
    for batch in json.loads(api.raw("GET", "/api/v1/pool")[1])["batches"]:
        target = "/api/v1/pool/batches/%s/account" % batch["name"]
        yield (target, *api.raw("GET", target))
    for row in api.records():
        targets = ["/api/v1/jobs/%d" % row["job"], "/api/v1/jobs/%d/log?from=0&max=1048576" % row["job"], "/api/v1/jobs/%d/log/download" % row["job"],
                   "/api/v1/jobs/%d/replay" % row["job"], "/api/v1/units/%d" % row["unit"]]
        if row["result"] == "PASS":
            targets += ["/api/v1/jobs/%d/certificate" % row["job"]] + (["/api/v1/jobs/%d/label" % row["job"]] if labels else [])
        for target in targets:
            yield (target, *api.raw("GET", target))


def forms(secret):
    """How a secret may stand in an answer: as it is, as JSON or a web address writes it, in hexadecimal, in base64 at each alignment."""
    plain = secret.encode()
    found = {plain, json.dumps(secret)[1:-1].encode(), urllib.parse.quote(secret, safe="").encode(), plain.hex().encode(), plain.hex().upper().encode()}
    for shift in range(3):      # the ends depend on neighbours
        text = base64.b64encode(b"\0" * shift + plain)
        found.add(text[(0, 2, 3)[shift]:8 * (shift + len(plain)) // 6])
    return found


def search(answers, secrets):
    """(how many were searched, what is wrong): each status must be 200, none of `secrets` in any."""
    sought = {form: secret[:6] for secret in secrets for form in forms(secret)}
    searched, wrong = [], []
    for where, status, body in answers:
        searched.append(where)
        if status != 200:
            wrong.append("%s: status %d %s" % (where, status, body[:200]))
        wrong += ["%s… at %s" % (begin, where) for form, begin in sought.items() if form in body]
    return searched, wrong
