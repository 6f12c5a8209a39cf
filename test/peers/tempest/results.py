"""Writes the results of the last run of stestr here into results.jsonl, one JSON object per line: test, status, seconds, details."""

import json

import subunit
import testtools
from stestr.repository import util


def text_of(details):
    return "\n".join(detail.as_text() for name, detail in sorted(details.items()) if name in ("traceback", "reason"))


def tell(test):
    start, stop = test["timestamps"]
    took = (stop - start).total_seconds() if start and stop else 0
    line = {"test": test["id"], "status": test["status"], "seconds": took, "details": text_of(test["details"])}
    print(json.dumps(line), file=written)


run = util.get_repo_open(repo_url=".").get_latest_run().get_subunit_stream()
stream = subunit.ByteStreamToStreamResult(run, non_subunit_name="stdout")
results = testtools.StreamToDict(tell)
with open("results.jsonl", "w") as written:
    results.startTestRun()
    stream.run(results)
    results.stopTestRun()
