# SPDX-License-Identifier: GPL-3.0-or-later
"""The seccomp filter of a container, built from a compact table of system calls.

The lists (which calls every container may make, which need a capability) follow containers/common's default
profile, 0.50 (/usr/share/containers/seccomp.json), without MIPS and with the calls that later kernels added.
A call that is in no list fails with ENOSYS, so that programs fall back as on an older kernel. Source of the
form: OCI runtime-spec config-linux.md "Seccomp"; of profiles given by the user: podman-run(1)
``--security-opt seccomp=``.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import Any

Rule = dict[str, Any]

_ALLOW = "SCMP_ACT_ALLOW"
_ERRNO = "SCMP_ACT_ERRNO"

#: By uname's name of a machine: Go's name, which profiles use, and the ABIs that its kernel supports.
_ARCHITECTURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "x86_64": ("amd64", ("X86_64", "X86", "X32")),
    "aarch64": ("arm64", ("AARCH64", "ARM")),
    "armv7l": ("arm", ("ARM",)),
    "armv6l": ("arm", ("ARM",)),
    "s390x": ("s390x", ("S390X", "S390")),
    "ppc64le": ("ppc64le", ("PPC64LE",)),
    "riscv64": ("riscv64", ("RISCV64",)),
}

#: Old or dangerous calls: denied with EPERM, because ENOSYS would tell programs that they do not exist.
_REFUSED = """
bdflush kexec_file_load kexec_load migrate_pages move_pages nfsservctl nice oldfstat oldlstat
oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask ssetmask
swapcontext swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old vmsplice
"""

_ALLOWED = """
_llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod
chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
clock_gettime64 clock_nanosleep clock_nanosleep_time64 clone clone3 close close_range connect
copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait
epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown
fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsconfig
fsetxattr fsmount fsopen fspick fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64
futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_mempolicy
get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32
getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority
getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt
gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1
inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit
ioctl ioprio_get ioprio_set ipc keyctl kill landlock_add_rule landlock_create_ruleset
landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr listxattrat
llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack mbind membarrier
memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mount
mount_setattr move_mount mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock
munlockall munmap name_to_handle_at nanosleep newfstatat open open_tree openat openat2 pause pidfd_getfd
pidfd_open pidfd_send_signal pipe pipe2 pivot_root pkey_alloc pkey_free pkey_mprotect poll ppoll
ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev
pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readdir readlink readlinkat
readv reboot recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat
rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask
rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop
semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_mempolicy set_mempolicy_home_node
set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
setgroups setgroups32 setitimer setns setpgid setpriority setregid setregid32 setresgid setresgid32
setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr
setxattrat shmat shmctl shmdt shmget shutdown sigaction sigaltstack signal signalfd signalfd4 sigpending
sigprocmask sigreturn sigsuspend socketcall socketpair splice stat stat64 statfs statfs64 statmount
statx symlink symlinkat sync sync_file_range syncfs syscall sysinfo syslog tee tgkill time timer_create
timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd
timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
truncate64 ugetrlimit umask umount umount2 uname unlink unlinkat unshare utime utimensat
utimensat_time64 utimes vfork wait4 waitid waitpid write writev
"""

_BY_ARCHITECTURE: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"ppc64le"}), "sync_file_range2"),
    (
        frozenset({"arm", "arm64"}),
        "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
    ),
    (frozenset({"amd64"}), "arch_prctl modify_ldt"),
    (frozenset({"s390x"}), "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"),
    (frozenset({"riscv64"}), "riscv_flush_icache riscv_hwprobe"),
)

#: Allowed with the capability, EPERM without it.
_BY_CAPABILITY: dict[str, str] = {
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_ADMIN": "bpf fanotify_init lookup_dcookie perf_event_open quotactl setdomainname sethostname",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "delete_module finit_module init_module query_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp process_madvise",
    "CAP_SYS_RAWIO": "ioperm iopl",
    "CAP_SYS_TIME": "clock_settime clock_settime64 settimeofday stime",
    "CAP_SYS_TTY_CONFIG": "vhangup",
}

#: personality(2): PER_LINUX, PER_LINUX32, UNAME26 alone and with it, and the query; no other execution
#: domain.
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
_AF_NETLINK = 16
_NETLINK_AUDIT = 9


def profile(capabilities: frozenset[str], architecture: str) -> dict[str, Any]:
    """Return ``linux.seccomp`` for a container with these capabilities on a machine (uname's name)."""
    return {
        "defaultAction": _ERRNO,
        "defaultErrnoRet": errno.ENOSYS,
        "architectures": _abis(architecture),
        "syscalls": list(_rules(capabilities, _machine(architecture))),
    }


def _machine(architecture: str) -> str:
    return _ARCHITECTURES.get(architecture, (architecture, ()))[0]


def _abis(architecture: str) -> list[str]:
    """Return libseccomp's names of the ABIs; none for an unknown machine, where the runtime uses its own."""
    return [f"SCMP_ARCH_{abi}" for abi in _ARCHITECTURES.get(architecture, ("", ()))[1]]


def _rules(capabilities: frozenset[str], machine: str) -> Iterator[Rule]:
    allowed, refused = _ALLOWED.split(), _REFUSED.split()
    for machines, names in _BY_ARCHITECTURE:
        allowed += names.split() if machine in machines else []
    for capability, names in _BY_CAPABILITY.items():
        (allowed if capability in capabilities else refused).extend(names.split())
    yield _rule(refused, _ERRNO, error=errno.EPERM)
    yield _rule(allowed, _ALLOW)
    for value in _PERSONALITIES:
        yield _rule(["personality"], _ALLOW, (0, value, "EQ"))
    yield from _socket_rules("CAP_AUDIT_WRITE" in capabilities)


def _socket_rules(may_audit: bool) -> Iterator[Rule]:  # noqa: FBT001 two cases of one table
    """Deny the audit socket without CAP_AUDIT_WRITE; from EINVAL PAM concludes that there is no audit."""
    if may_audit:
        yield _rule(["socket"], _ALLOW)
        return
    yield _rule(["socket"], _ERRNO, (0, _AF_NETLINK, "EQ"), (2, _NETLINK_AUDIT, "EQ"), error=errno.EINVAL)
    yield _rule(["socket"], _ALLOW, (0, _AF_NETLINK, "NE"))
    yield _rule(["socket"], _ALLOW, (2, _NETLINK_AUDIT, "NE"))


def _rule(names: list[str], action: str, *arguments: tuple[int, int, str], error: int | None = None) -> Rule:
    rule: Rule = {"names": names, "action": action}
    if error is not None:
        rule["errnoRet"] = error
    if arguments:
        rule["args"] = [
            {"index": index, "value": value, "op": f"SCMP_CMP_{compared}"}
            for index, value, compared in arguments
        ]
    return rule


def resolve(document: Mapping[str, Any], capabilities: frozenset[str], architecture: str) -> dict[str, Any]:
    """Return ``linux.seccomp`` from a profile in Docker's format (``includes``, ``excludes``) or OCI's."""
    result = {
        key: document[key] for key in ("defaultAction", "defaultErrnoRet", "flags") if document.get(key)
    }
    abis = _abis(architecture)
    result["architectures"] = list(document.get("architectures") or ()) or abis
    machine = _machine(architecture)
    rules = document.get("syscalls") or ()
    result["syscalls"] = [_plain(rule) for rule in rules if _applies(rule, capabilities, machine)]
    return result


def _applies(rule: Mapping[str, Any], capabilities: frozenset[str], machine: str) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    wanted = machine in (includes.get("arches") or [machine]) and capabilities.issuperset(
        includes.get("caps") or ()
    )
    return (
        wanted
        and machine not in (excludes.get("arches") or ())
        and capabilities.isdisjoint(excludes.get("caps") or ())
    )


def _plain(rule: Mapping[str, Any]) -> Rule:
    names = list(rule.get("names") or ()) or [rule.get("name", "")]
    kept = {key: rule[key] for key in ("action", "errnoRet", "args") if rule.get(key) is not None}
    return {"names": names, **kept}
