# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the options of podman_container that are refused so far."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that a task of containers.podman.podman_container may have and that are not built yet here."""

    # `make generated` writes it, from _engine/model/container/options.py.
    DOCUMENTATION = r"""
options:
  attach:
    description:
      - Not built yet. Streams to attach to.
    type: list
    elements: str
  blkio_weight_device:
    description:
      - Not built yet. The same for single devices.
    type: dict
  chrootdirs:
    description:
      - Not built yet. Directories in the container to treat as roots.
    type: str
  cidfile:
    description:
      - Not built yet. File to write the container's id to.
    type: path
  conmon_pidfile:
    description:
      - Not built yet. File to write the pid of conmon to.
    type: path
  cpu_rt_period:
    description:
      - Not built yet. Period of the real-time quota.
    type: int
  cpu_rt_runtime:
    description:
      - Not built yet. Real-time processor time in each period.
    type: int
  decryption_key:
    description:
      - Not built yet. Key to decrypt images with.
    type: str
  delete_time:
    description:
      - Not built yet. Seconds to wait for the container to stop before its removal.
    type: str
  detach_keys:
    description:
      - Not built yet. Keys to detach from the container with.
    type: str
  device_read_bps:
    description:
      - Not built yet. Limits of reading from devices in bytes per second.
    type: list
    elements: str
  device_read_iops:
    description:
      - Not built yet. Limits of reading from devices in operations per second.
    type: list
    elements: str
  device_write_bps:
    description:
      - Not built yet. Limits of writing to devices in bytes per second.
    type: list
    elements: str
  device_write_iops:
    description:
      - Not built yet. Limits of writing to devices in operations per second.
    type: list
    elements: str
  env_host:
    description:
      - Not built yet. All variables of the host's environment.
    type: bool
  env_merge:
    description:
      - Not built yet. Changes of the image's variables.
    type: dict
  gpus:
    description:
      - Not built yet. Graphics processors.
    type: str
  group_entry:
    description:
      - Not built yet. Line for C(/etc/group) of the container.
    type: str
  hostuser:
    description:
      - Not built yet. Users of the host to add to C(/etc/passwd).
    type: str
  http_proxy:
    description:
      - Not built yet. The host's proxy variables.
    type: bool
  init_ctr:
    description:
      - Not built yet. Initialisation of a pod by this container.
    type: str
  kernel_memory:
    description:
      - Not built yet. Limit of the kernel's memory.
    type: str
  label_file:
    description:
      - Not built yet. File of labels.
    type: str
  log_level:
    description:
      - Not built yet. How much podman logs.
    type: str
  passwd:
    description:
      - Not built yet. Whether entries are added to C(/etc/passwd) and C(/etc/group).
    type: bool
  passwd_entry:
    description:
      - Not built yet. Line for C(/etc/passwd) of the container.
    type: str
  personality:
    description:
      - Not built yet. Execution domain.
    type: str
  pid_file:
    description:
      - Not built yet. File to write the pid of the container to.
    type: path
  pod:
    description:
      - Not built yet. Pod to run in.
    type: str
  pod_id_file:
    description:
      - Not built yet. File with the id of the pod to run in.
    type: path
  preserve_fd:
    description:
      - Not built yet. File descriptors to hand on.
    type: list
    elements: str
  preserve_fds:
    description:
      - Not built yet. How many file descriptors to hand on.
    type: str
  rdt_class:
    description:
      - Not built yet. Class of service (RDT).
    type: str
  restart_time:
    description:
      - Not built yet. Seconds to wait for the container to stop before its restart.
    type: str
  rmi:
    description:
      - Not built yet. Whether the image is removed with the container.
    type: bool
  sdnotify:
    description:
      - Not built yet. Who gets the socket of systemd's notifications.
    type: str
  seccomp_policy:
    description:
      - Not built yet. How to choose the seccomp profile.
    type: str
  secrets:
    description:
      - Not built yet. Secrets to hand to the container.
    type: list
    elements: str
  sig_proxy:
    description:
      - Not built yet. Whether signals are handed on to the container.
    type: bool
  timeout:
    description:
      - Not built yet. Seconds after which the container is killed.
    type: int
  unsetenv:
    description:
      - Not built yet. Variables of the image to leave out.
    type: list
    elements: str
  unsetenv_all:
    description:
      - Not built yet. Whether all variables of the image are left out.
    type: bool
"""
