# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that mount(8) and some file systems know, so that typing errors are found before anything is mounted.

Sources: mount(8), tmpfs(5), nfs(5), Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

#: File systems without a device.
NO_DEVICE = frozenset({"tmpfs", "ramfs", "overlay"})

_ANY = frozenset(
    "async atime auto bind context defaults defcontext dev diratime dirsync exec fscontext group iversion lazytime "
    "loop mand noatime noauto nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid "
    "nosymfollow nouser owner private rbind relatime remount ro rootcontext rprivate rshared rslave runbindable rw "
    "shared silent loud slave strictatime suid sync unbindable user users _netdev".split()
)
_TMPFS = frozenset(
    "gid huge inode32 inode64 mode mpol nr_blocks nr_inodes noswap quota size uid usrquota grpquota".split()
)
_OVERLAY = frozenset(
    "default_permissions fsync index lowerdir metacopy nfs_export redirect_dir upperdir userxattr uuid verity "
    "volatile workdir xino datadir+ lowerdir+".split()
)
_NFS = frozenset(
    "ac acdirmax acdirmin acl acregmax acregmin actimeo addr bg bsize cache clientaddr cto fg fsc hard intr "
    "local_lock lock lookupcache max_connect migration minorversion mountaddr mounthost mountport mountproto "
    "mountvers namlen nconnect nfsvers noac noacl nocto nofsc nohard nointr nolock nomigration noposix noquota "
    "nordirplus noresvport nosharecache nosloppy posix port proto rdirplus rdma resvport retrans retry retrycnt rsize sec "
    "sharecache sloppy soft softerr softreval nosoftreval tcp timeo trunkdiscovery notrunkdiscovery udp vers v2 v3 v4 "
    "v4.0 v4.1 v4.2 write wsize xprtsec".split()
)

#: All words that a file system knows, where the list is known to be complete. For others, the kernel decides.
CLOSED = {
    "bind": _ANY,
    "tmpfs": _ANY | _TMPFS,
    "overlay": _ANY | _OVERLAY,
    "nfs": _ANY | _NFS,
    "nfs4": _ANY | _NFS,
}
