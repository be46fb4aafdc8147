# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for volumes, and refusals."""

from __future__ import annotations

import pytest

from _engine.errors import InUse, NotFound
from _engine.frozen import replace
from _engine.model.volume.spec import VolumeFacts, VolumeRecord, VolumeSpec
from _engine.plan.volume import AS_USUAL, How, decide

PLAIN = VolumeRecord(VolumeSpec("v", {"a": "b"}), 1)
TMPFS = replace(PLAIN, spec=VolumeSpec("v", {"a": "b"}, options={"type": "tmpfs", "device": "tmpfs"}))
WISHED = replace(TMPFS, mounted=True)
SEEN = VolumeFacts()
USED = VolumeFacts(("app", "web"), ())
LIVE = VolumeFacts(("app", "web"), ("web",), mounted=True)
KEEP = How(frozenset({"labels", "options"}))


def texts(*arguments) -> list[str]:
    """Return the texts of a plan's actions."""
    return [action.text for action in decide(*arguments).actions]


@pytest.mark.parametrize(
    ("state", "how", "record", "seen", "actions", "mounted"),
    [
        ("present", AS_USUAL, None, SEEN, ["created volume v"], False),
        ("present", AS_USUAL, TMPFS, LIVE, [], False),
        ("present", AS_USUAL, WISHED, SEEN, [], True),
        ("mounted", AS_USUAL, None, SEEN, ["created volume v", "mounted volume v"], True),
        ("mounted", AS_USUAL, TMPFS, SEEN, ["mounted volume v"], True),
        ("mounted", AS_USUAL, TMPFS, LIVE, ["mounted volume v"], True),
        ("mounted", AS_USUAL, WISHED, SEEN, ["mounted volume v"], True),
        ("mounted", AS_USUAL, WISHED, SEEN._replace(mounted=True), [], True),
        ("unmounted", AS_USUAL, TMPFS, SEEN, [], False),
        ("unmounted", AS_USUAL, WISHED, SEEN, ["unmounted volume v"], False),
        ("unmounted", AS_USUAL, TMPFS, SEEN._replace(mounted=True), ["unmounted volume v"], False),
        ("unmounted", AS_USUAL, TMPFS, LIVE, [], False),
        ("unmounted", AS_USUAL, WISHED, LIVE, ["unmounted volume v, but web still uses it"], False),
        ("present", How(recreate=True), None, SEEN, ["created volume v"], False),
        (
            "present",
            How(recreate=True),
            WISHED,
            SEEN,
            ["removed volume v, and its data", "created volume v", "mounted volume v"],
            True,
        ),
        (
            "present",
            How(recreate=True, force=True),
            TMPFS,
            LIVE,
            [
                "removed container app",
                "removed container web",
                "removed volume v, and its data",
                "created volume v",
            ],
            False,
        ),
    ],
)
def test_states(state, how, record, seen, actions, mounted):
    """Each state needs only the missing actions, and none if it is reached."""
    plan = decide(TMPFS, state, how, record, seen)
    assert [action.text for action in plan.actions] == actions
    assert (plan.record.mounted, plan.record.spec) == (mounted, TMPFS.spec)


def test_recreate_says_what_becomes_of_the_data():
    """The content of a device or another directory is not removed with the volume."""
    bind = VolumeRecord(VolumeSpec("v", options={"type": "bind", "device": "/srv"}), 1)
    assert (
        texts(bind, "present", How(recreate=True), bind, SEEN)[0]
        == "removed volume v, whose data stays on /srv"
    )
    holding = SEEN._replace(holding="/data")
    assert (
        texts(bind, "present", How(recreate=True), bind, holding)[0]
        == "removed volume v, whose data stays on /srv, and the content of /data"
    )
    assert texts(PLAIN, "present", How(recreate=True), PLAIN, SEEN)[0] == "removed volume v, and its data"


def test_a_plain_directory_is_never_mounted():
    """A plain directory is not mounted, and the wish is not recorded."""
    plan = decide(PLAIN, "mounted", AS_USUAL, PLAIN, SEEN)
    assert (plan.actions, plan.record.mounted) == ((), False)


def test_absent():
    """An existing or partially removed volume is removed; its containers only with force."""
    assert texts(PLAIN, "absent", AS_USUAL, None, SEEN) == []
    assert texts(PLAIN, "absent", AS_USUAL, PLAIN, SEEN) == ["removed volume v"]
    assert texts(PLAIN, "absent", AS_USUAL, replace(PLAIN, removing=True), SEEN) == ["removed volume v"]
    assert texts(PLAIN, "absent", How(force=True), PLAIN, USED) == [
        "removed container app",
        "removed container web",
        "removed volume v",
    ]


@pytest.mark.parametrize(
    ("state", "how", "told"),
    [
        ("absent", AS_USUAL, "volume v is used by app, web"),
        ("present", How(recreate=True), "is used by app, web"),
    ],
)
def test_data_of_a_used_volume_stays(state, how, told):
    """Without force, the error names all containers, running or not."""
    with pytest.raises(InUse, match=told) as caught:
        decide(PLAIN, state, how, PLAIN, USED)
    assert caught.value.fields["users"] == ["app", "web"]


def test_what_is_not_said_is_kept():
    """Unset labels and options are kept; owner and mode can be set alone."""
    owned = VolumeRecord(VolumeSpec("v", options={"uid": "5"}), 1)
    plan = decide(owned, "present", KEEP, TMPFS, LIVE)
    assert plan.record.spec.labels == {"a": "b"}
    assert plan.record.spec.options == {"type": "tmpfs", "device": "tmpfs", "uid": "5"}
    assert [(one.option, one.before, one.after) for one in plan.differences] == [("options.uid", None, "5")]
    assert [action.text for action in plan.actions] == ["updated volume v"]


@pytest.mark.parametrize(
    ("seen", "told"),
    [(LIVE, "while it is used by web"), (SEEN._replace(mounted=True), "while it is mounted on the host")],
)
def test_what_is_mounted_is_not_altered(seen, told):
    """Changing type, device or o is refused while the volume is in use; otherwise there is at most a warning."""
    with pytest.raises(InUse, match=told) as caught:
        decide(TMPFS, "present", AS_USUAL, PLAIN, seen)
    assert caught.value.fields["options"] == ["options.device", "options.type"]
    assert "Then the data" not in str(caught.value.remedy)
    with pytest.raises(InUse) as caught:
        decide(TMPFS, "present", AS_USUAL, PLAIN, seen._replace(holding="/data"))
    assert "first. Then the data of volume v is not copied" in str(caught.value.remedy)
    plan = decide(TMPFS, "present", AS_USUAL, PLAIN, USED)
    assert ([action.text for action in plan.actions], plan.warnings) == (["updated volume v"], ())
    plan = decide(TMPFS, "present", AS_USUAL, PLAIN, USED._replace(holding="/data"))
    assert [warning.partition(": it stays in /data")[1] for warning in plan.warnings] == [
        ": it stays in /data"
    ]


def test_what_is_not_there_can_t_be_unmounted():
    """The error has similar names."""
    with pytest.raises(NotFound, match="near: vv"):
        decide(PLAIN, "unmounted", KEEP, None, SEEN, known=["vv", "data"])
