# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys

import pytest
from ansible_collections.slipway.oci.plugins.filter import query as query_filter
from ansible_collections.slipway.oci.plugins.plugin_utils.jmespath_query import Query, QueryError

SECRET = "hunter2"
DATA = {"containers": [{"Name": "web", "n": 2}, {"Name": "db", "n": 1}], "secret": SECRET}


class Text(str):  # noqa: SLOT000  (Ansible's have no slots either)
    """A text as Ansible has them: a subclass, by whose name jmespath does not know it."""


class Numbers(list):
    """A list as Ansible has them."""


def test_an_answer():
    """An expression returns the result of JMESPath, also for Ansible's own types; no match is None."""
    data = {Text("names"): Numbers([Text("web"), Text("db")]), "set": {1}, "tuple": (1, 2.5, True, None)}
    assert Query("sort(names)[?contains(@, 'w')]").search(data) == ["web"]
    assert Query("[set, tuple]").search(data) == [[1], [1, 2.5, True, None]]
    assert Query("sort_by(containers, &n)[].Name").search(DATA) == ["db", "web"]
    assert Query("nothing.there").search(DATA) is None


BROKEN = [
    ("a.[b", "it ends too early", "  a.[b", "      ^"),
    ("a.b.", "it ends too early", "  a.b.", "      ^"),
    ("a | | b", "unexpected '|'", "  a | | b", "      ^"),
    ("a#b", "unknown token #", "  a#b", "   ^"),
    ("a[?x == 'y]", "unclosed ' delimiter", "  a[?x == 'y]", "          ^"),
    ("length(secret, `1`)", "received 2", "  length(secret, `1`)", "  ^"),
    ("keys(secret)", "keys() takes object, not string", "  keys(secret)", "  ^"),
    ("a || nosuch(@)", "there is no function nosuch()", "  a || nosuch(@)", "       ^"),
    ("[sum(`[]`), sum(secret)]", "sum() takes array-number", "  [sum(`[]`), sum(secret)]", "   ^          ^"),
    ("[sum, sum(secret)]", "sum() takes array-number", "  [sum, sum(secret)]", "        ^"),
    ("containers[?\n  n >\n]", "unexpected ']'", "  containers[?", "    n >", "  ]", "  ^"),
    ("containers[::0]", "slice step cannot be zero", "  containers[::0]"),
]


@pytest.mark.parametrize(("expression", "why", "lines"), [(case[0], case[1], case[2:]) for case in BROKEN])
def test_an_error_points_into_the_expression(expression, why, lines):
    """An error points to the position, below its line; it contains no value of the data and has no cause."""
    with pytest.raises(QueryError) as raised:
        Query(expression).search(DATA)
    told, *shown = str(raised.value).split("\n")
    assert (why in told, shown) == (True, [*lines])
    assert SECRET not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)


@pytest.mark.parametrize(
    ("expression", "why"), [("", "empty"), (None, "a JMESPath string"), (["a"], "a JMESPath string")]
)
def test_what_is_no_expression(expression, why):
    """An empty expression and non-strings are refused."""
    with pytest.raises(QueryError, match=why):
        Query(expression)


def test_without_the_library(monkeypatch):
    """If jmespath is missing, the error says so, and for which Python to install it."""
    monkeypatch.setitem(sys.modules, "jmespath", None)
    with pytest.raises(QueryError, match=rf"jmespath is missing .* {sys.executable}"):
        Query("a")


def test_the_filter():
    """The filter returns the result, and raises the same error as Ansible's."""
    from ansible.errors import AnsibleFilterError

    run = query_filter.FilterModule().filters()["query"]
    assert run(DATA, "containers[0].Name") == "web"
    with pytest.raises(AnsibleFilterError, match=r"ends too early\n  a\.\n    \^"):
        run(DATA, "a.")
