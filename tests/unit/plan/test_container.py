# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: the actions, in order, for every wish and every state of a container."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from _engine.errors import InvalidOption, WrongState
from _engine.frozen import replace
from _engine.model.mounts.mount import Mount
from _engine.plan.container import STATES, Plan, Wish, decide, replaced_from, with_others, with_sources

MISSING = "missing"
FOUND = (MISSING, "configured", "created", "running", "paused", "stopped", "exited", "unknown", "removing")
LIVING = {"running", "paused"}
#: Options of the wish that differ from the record's in nothing, in a live option, in one that needs a new container.
SAME, LIVE, NEW = MappingProxyType({}), {"label": {"a": "1"}}, {"env": {"A": "1"}}


@pytest.fixture
def verbs(spec, record):
    """Return a function that plans and returns the verbs as one string; ``wanted`` None requests only a state."""

    def verbs(state, found, wanted=SAME, **how):
        known = None if found == MISSING else record(found)
        wish = Wish("web", state, None if wanted is None else spec(**wanted), "i1", **how)
        return " ".join(action.verb for action in decide(wish, known, frozenset()).actions)

    return verbs


#: States that ask for a process.
RUNNING = ("started", "healthy", "paused", "restarted")


def again(state, found):
    """Return the verbs that recreate a container, and start it if it should run or ran before."""
    runs = state in RUNNING or (found in LIVING and state != "stopped")
    end = ["start"] * runs + ["pause"] * (state == "paused")
    return " ".join(["stop"] * (found in LIVING) + ["remove", "create", *end])


def settled(state, found, *, restart=False):
    """Return the verbs that bring an unchanged container into the requested state."""
    if state == "stopped" or not restart:
        return TABLE[state].get(found, "")
    if state == "restarted" and found in LIVING:
        return "restart"
    end = "start pause" if state == "paused" else "start"
    return f"stop {end}" if found in LIVING else end


#: Wish and found state: the verbs, for a task that asks for what is there. Written out, not computed.
TABLE = {
    "absent": {
        MISSING: "",
        "configured": "remove",
        "created": "remove",
        "running": "stop remove",
        "paused": "stop remove",
        "stopped": "remove",
        "exited": "remove",
        "unknown": "remove",
        "removing": "remove",
    },
    "created": {MISSING: "create", "removing": "create"},
    "present": {MISSING: "create", "removing": "create"},
    "started": {
        MISSING: "create start",
        "configured": "start",
        "created": "start",
        "running": "",
        "paused": "unpause",
        "stopped": "start",
        "exited": "start",
        "unknown": "start",
        "removing": "create start",
    },
    "paused": {
        MISSING: "create start pause",
        "configured": "start pause",
        "created": "start pause",
        "running": "pause",
        "paused": "",
        "stopped": "start pause",
        "exited": "start pause",
        "unknown": "start pause",
        "removing": "create start pause",
    },
    "restarted": {
        MISSING: "create start",
        "configured": "start",
        "created": "start",
        "running": "restart",
        "paused": "restart",
        "stopped": "start",
        "exited": "start",
        "unknown": "start",
        "removing": "create start",
    },
    "stopped": {MISSING: "create", "running": "stop", "paused": "stop", "removing": "create"},
}
#: The task waits on top of that, which changes nothing.
TABLE["healthy"] = TABLE["started"]


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize("state", STATES)
def test_nothing_differs(verbs, state, found):
    """An unchanged container is only brought into the requested state."""
    assert verbs(state, found) == TABLE[state].get(found, "")


@pytest.mark.parametrize("found", FOUND[1:-1])
@pytest.mark.parametrize("state", STATES)
def test_a_state_alone(verbs, state, found):
    """A task with only a state does the same as one with the unchanged container."""
    assert verbs(state, found, None) == TABLE[state].get(found, "")


@pytest.mark.parametrize("found", FOUND[1:-1])
@pytest.mark.parametrize("state", STATES[1:])
def test_a_live_difference(verbs, state, found):
    """A live difference is an update, and the container keeps running."""
    assert verbs(state, found, LIVE) == f"update {settled(state, found)}".strip()


@pytest.mark.parametrize("found", FOUND[1:-1])
@pytest.mark.parametrize("state", STATES[1:])
@pytest.mark.parametrize("wanted", [NEW, {**NEW, **LIVE}])
def test_a_difference_that_needs_a_new_container(verbs, state, found, wanted):
    """The container is recreated, and started if it should run or the old one ran."""
    assert verbs(state, found, wanted) == again(state, found)


@pytest.mark.parametrize("found", FOUND[1:-1])
@pytest.mark.parametrize("state", STATES[1:])
@pytest.mark.parametrize("wanted", [SAME, LIVE, NEW, None])
def test_recreate(verbs, state, found, wanted):
    """With recreate, the container is recreated once, regardless of differences."""
    assert verbs(state, found, wanted, recreate=True) == again(state, found)


@pytest.mark.parametrize("found", FOUND[1:-1])
@pytest.mark.parametrize("state", STATES[1:])
def test_force_restart(verbs, state, found):
    """With force_restart, a container that should run is restarted; one that should be stopped is not."""
    assert verbs(state, found, force_restart=True) == settled(state, found, restart=True)
    assert (
        verbs(state, found, LIVE, force_restart=True)
        == f"update {settled(state, found, restart=True)}".strip()
    )
    assert verbs(state, found, NEW, force_restart=True) == again(state, found)


@pytest.mark.parametrize("state", STATES[1:])
@pytest.mark.parametrize(
    "how", [{"recreate": True}, {"force_restart": True}, {"run_once": True}, {"force_delete": False}]
)
@pytest.mark.parametrize("found", [MISSING, "removing"])
def test_nothing_forces_what_is_not_there(verbs, state, how, found):
    """A container that is missing or being removed is created once, regardless of force options."""
    assert verbs(state, found, **how) == TABLE[state][MISSING]


@pytest.mark.parametrize("found", FOUND)
def test_run_to_the_end(verbs, found):
    """A task that waits for the exit starts the container now, even if it already runs."""
    expected = {MISSING: "create start", "removing": "create start"}.get(
        found, settled("started", found, restart=True)
    )
    assert verbs("started", found, run_once=True) == expected
    assert verbs("started", found, NEW, run_once=True) == (
        again("started", found) if found not in (MISSING, "removing") else "create start"
    )


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize("state", ["created", "present", "stopped"])
def test_no_run_to_the_end_where_none_is_asked_for(verbs, state, found):
    """A state without a process is not started by waiting for its exit."""
    assert verbs(state, found, run_once=True) == TABLE[state].get(found, "")


def test_stopping_one_that_waits_for_its_restart(record):
    """A container with a pending restart is stopped, although it does not run."""
    waiting = record("exited", {"restart_policy": "always"}, started=1, restart_at=2)
    plan = decide(Wish("web", "stopped"), waiting, frozenset())
    assert [action.text for action in plan.actions] == ["stopped web"]


@pytest.mark.parametrize("found", FOUND)
def test_removal_without_force(verbs, found):
    """Without force_delete, a container that is alive is not removed, any other is."""
    if found in LIVING:
        with pytest.raises(WrongState, match=rf"container web is {found} .*force_delete: true") as caught:
            verbs("absent", found, None, force_delete=False)
        assert caught.value.fields == {"name": "web", "status": found}
    else:
        assert verbs("absent", found, None, force_delete=False) == TABLE["absent"][found]


@pytest.mark.parametrize("found", FOUND)
def test_absent_looks_at_nothing_else(verbs, found):
    """Differences and force options are irrelevant for a container to be removed."""
    how = {"recreate": True, "force_restart": True, "run_once": True}
    assert verbs("absent", found, NEW, **how) == TABLE["absent"][found]


@pytest.mark.parametrize("state", STATES[1:])
@pytest.mark.parametrize("found", [MISSING, "removing"])
def test_a_state_alone_of_what_is_not_there(verbs, state, found):
    """Without an image, no container can be created."""
    with pytest.raises(InvalidOption, match="to create container web, which does not exist") as caught:
        verbs(state, found, None)
    assert (caught.value.fields["option"], bool(caught.value.remedy)) == ("image", True)


def test_the_reader_is_told_in_words(spec, record):
    """The text of an action is in the past tense and names its object; the plan has the differences and their cost."""
    plan = decide(
        Wish("web", "started", spec(**NEW, volume=["b:/b", "a:/a"]), "i1"), record("running"), frozenset()
    )
    assert [action.text for action in plan.actions] == [
        "created volume a",
        "created volume b",
        "stopped web",
        "removed web",
        "created web",
        "started web",
    ]
    assert [item.option for item in plan.differences] == ["env.A", "mounts./a", "mounts./b"]
    assert plan.cost == "recreate"


COSTS = [
    (SAME, {}, ""),
    (LIVE, {}, "live"),
    (NEW, {}, "recreate"),
    (SAME, {"recreate": True}, "recreate"),
    (SAME, {"force_restart": True}, ""),
]


@pytest.mark.parametrize(("wanted", "how", "cost"), COSTS)
def test_cost(spec, record, wanted, how, cost):
    """The cost is that of the most expensive difference; a requested restart costs nothing."""
    assert (
        decide(Wish("web", "started", spec(**wanted), "i1", **how), record("running"), frozenset()).cost
        == cost
    )


def test_only_missing_volumes_are_made(spec, record):
    """Missing named volumes are created first, each once; bind mounts, tmpfs and anonymous volumes are not."""
    options = {"volume": ["a:/a", "b:/b", "b:/c", "/anonymous", "/etc:/e"], "tmpfs": {"/t": ""}}
    wish = Wish("web", "started", spec(**options), "i1")
    for known in (None, record("exited")):
        plan = decide(wish, known, frozenset({"a", "other"}))
        made = [action.name for action in plan.actions if action.verb == "create_volume"]
        assert made == ["b"]
        assert plan.actions[0].verb == "create_volume"
    assert decide(wish, record("running", options), frozenset()).actions == ()


def test_a_volume_that_has_to_be_there_is_not_made(spec, record):
    """A volume with nocreate is not created; a later check refuses it."""
    wish = Wish("web", "created", spec(volume=["a:/a", "b:/b:nocreate"]), "i1")
    assert [action.name for action in decide(wish, None, frozenset()).actions] == ["a", "web"]


BEFORE = MappingProxyType({"/a": Mount("volume", "a", "/a"), "/b": Mount("bind", "/b", "/b")})
#: What is implied by now, and the names of the differences.
IMPLIED = (
    (BEFORE, set()),
    ({}, {"volumes_from./a", "volumes_from./b"}),
    ({**BEFORE, "/a": Mount("volume", "other", "/a")}, {"volumes_from./a"}),
    ({**BEFORE, "/c": Mount("bind", "/c", "/c")}, {"volumes_from./c"}),
    ({**BEFORE, "/b": Mount("bind", "/b", "/b", ("ro",))}, {"volumes_from./b"}),
)


@pytest.mark.parametrize("case", IMPLIED, ids=lambda case: " ".join(sorted(case[1])))
def test_what_others_mount_by_now(spec, record, case):
    """Changed mounts of volumes_from recreate the container, and are shown by destination."""
    implied, names = case
    known = record("running", implied=dict(BEFORE))
    plan = decide(Wish("web", "started", spec(), "i1", implied=implied), known, frozenset())
    assert {item.option for item in plan.differences} == names
    assert plan.cost == ("recreate" if names else "")


def test_what_others_mount_is_told_once(spec, record):
    """Other containers in volumes_from, or a different image, are the difference instead."""
    known = record("running", implied=dict(BEFORE))
    plan = decide(Wish("web", "started", spec(volumes_from=["x"]), "i1"), known, frozenset())
    assert {item.option for item in plan.differences} == {"volumes_from"}
    plan = decide(Wish("web", "started", spec(), "i2"), known, frozenset())
    assert {item.option for item in plan.differences} == {"image"}


def test_sources_are_made_before_a_start(spec):
    """A missing source directory is created before the start; without a start, it is not."""
    for state, wanted in (
        ("started", ["create", "start_needed", "create_source", "start"]),
        ("created", ["create"]),
    ):
        plan = decide(Wish("web", state, spec(), "i1"), None, frozenset())
        found = with_others(with_sources(plan, ["/srv/a"]), ["db"], [])
        assert sorted(action.verb for action in found.actions) == sorted(wanted)
        assert [action.verb for action in found.actions][-1] == wanted[-1]
    assert with_sources(Plan(), ["/srv/a"]) == Plan()


def test_what_a_start_needs_comes_before_the_stop(spec, record):
    """The dependencies of a replacement are created and started while the old container still runs."""
    plan = decide(
        Wish("web", "started", spec(volume=["a:/a"]), "i1", recreate=True), record("running"), frozenset()
    )
    found = with_others(with_sources(plan, ["/srv/a"]), ["db"], [])
    verbs = [action.verb for action in found.actions]
    assert verbs[:4] == ["create_volume", "create_source", "start_needed", "stop"]
    assert verbs[4:] == ["remove", "create", "start"]
    assert replaced_from(found) == 3


def test_nothing_is_replaced(spec, record):
    """A new container, a restart and a replacement that is not started do not replace a running one."""
    for state, known in (("started", None), ("restarted", record("running")), ("created", record("exited"))):
        plan = decide(Wish("web", state, spec(), "i1", recreate=state == "created"), known, frozenset())
        assert replaced_from(plan) is None


def test_a_container_is_made_anew_from_its_own_spec(spec, record):
    """Recreation without a spec uses the volumes of the container's own spec."""
    known = record("running", {"volume": ["a:/a"]})
    plan = decide(Wish("web", "started", None, "i1", recreate=True), known, frozenset())
    assert [action.verb for action in plan.actions] == ["create_volume", "stop", "remove", "create", "start"]


@pytest.mark.parametrize("strict", [False, True])
def test_image(spec, record, strict):
    """An image with a different ID recreates the container; a different name does so only with image_strict."""
    moved = decide(Wish("web", "started", spec(), "i2", image_strict=strict), record("running"), frozenset())
    assert [(item.option, item.before, item.after) for item in moved.differences] == [("image", "i1", "i2")]
    assert moved.cost == "recreate"
    named = Wish("web", "started", spec(image="other"), "i1", image_strict=strict)
    assert decide(named, record("running"), frozenset()).cost == ("recreate" if strict else "")


def test_a_mounted_image(spec, record):
    """A mounted image whose name now refers to another image recreates the container; a changed mount is reported once."""
    mount = {"mount": ["type=image,src=assets,dst=/a"]}
    known = replace(record("running", mount), images={"/a": "a1"})
    same = decide(Wish("web", "started", spec(**mount), "i1", images={"/a": "a1"}), known, frozenset())
    assert (same.actions, same.differences) == ((), ())
    moved = decide(Wish("web", "started", spec(**mount), "i1", images={"/a": "a2"}), known, frozenset())
    assert [(item.option, item.before, item.after) for item in moved.differences] == [
        ("mounts./a", "a1", "a2")
    ]
    assert moved.cost == "recreate"
    other = spec(mount=["type=image,src=other,dst=/a"])
    exchanged = decide(Wish("web", "started", other, "i1", images={"/a": "a2"}), known, frozenset())
    assert [item.option for item in exchanged.differences] == ["mounts./a"]


#: State, what the record or the killed removal's row says, whether anything differs: the verbs.
PENDING = {
    ("present", "exited", False): "start",
    ("created", "configured", False): "start",
    ("stopped", "exited", False): "stop",
    ("present", "exited", True): "remove create start",
    ("stopped", "exited", True): "remove create",
    ("present", "running", False): "",
    ("present", "removing", False): "create start",
    ("created", "removing", True): "create start",
    ("stopped", "removing", False): "create",
    ("absent", "exited", False): "remove",
}


@pytest.mark.parametrize(("state", "found", "differs"), PENDING)
def test_a_start_that_a_killed_task_owes(spec, record, state, found, differs):
    """A container that a failed or killed task stopped is started by the next task, unless that stops it."""
    known = record(found, start_pending=True)
    wish = Wish("web", state, spec(**(NEW if differs else SAME)), "i1")
    verbs = " ".join(action.verb for action in decide(wish, known, frozenset()).actions)
    assert verbs == PENDING[state, found, differs]
    if found == "removing":  # its row was taken away for the mending already
        assert decide(wish._replace(start_pending=True), None, frozenset()) == decide(
            wish, known, frozenset()
        )
