# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a volume, and what is refused."""

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
    """Return the actions of a plan in words."""
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
    """Each state is reached by what it lacks, and by nothing when it is there."""
    plan = decide(TMPFS, state, how, record, seen)
    assert [action.text for action in plan.actions] == actions
    assert (plan.record.mounted, plan.record.spec) == (mounted, TMPFS.spec)


def test_recreate_says_what_becomes_of_the_data():
    """What a device or another directory holds is not removed with the volume."""
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
    """There is nothing to mount, so nothing is to be done, nor kept in mind."""
    plan = decide(PLAIN, "mounted", AS_USUAL, PLAIN, SEEN)
    assert (plan.actions, plan.record.mounted) == ((), False)


def test_absent():
    """Removed is what is there, a half-removed one too; users are removed by force alone."""
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
    """Without force the users are named, whether they live or not."""
    with pytest.raises(InUse, match=told) as caught:
        decide(PLAIN, state, how, PLAIN, USED)
    assert caught.value.fields["users"] == ["app", "web"]


def test_what_is_not_said_is_kept():
    """Labels and options that a task does not say stay; owner and mode may be said alone."""
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
    """Another type, device or o is refused while the volume is in use; when it is not, it is no more than a note."""
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
    """The near names are told."""
    with pytest.raises(NotFound, match="near: vv"):
        decide(PLAIN, "unmounted", KEEP, None, SEEN, known=["vv", "data"])
