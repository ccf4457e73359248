"""Compares two results of Python's own tests (`--junit-xml`) and names the tests that did otherwise.

Usage: python_results.py PLAIN COROUTINES
"""
import sys
import xml.etree.ElementTree


def results(path):
    """The outcome of each test."""
    found = {}
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        outcomes = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[case.get("name")] = min(outcomes, default="ok")
    return found


plain, coroutines = results(sys.argv[1]), results(sys.argv[2])
for name in sorted(plain.keys() | coroutines.keys()):
    before, now = plain.get(name, "missing"), coroutines.get(name, "missing")
    # What fails on threads too tells nothing.
    if before != now and before in ("ok", "skipped", "missing"):
        print(f"{name}: {before} on threads, {now} on coroutines")
print(len(plain), "tests")
