# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation fragment: the options of podman_container that are not implemented yet."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of containers.podman.podman_container that are refused because they are not implemented yet."""

    # `make generated` writes it, from _engine/model/container/options.py.
    DOCUMENTATION = r"""
options:
  attach:
    description:
      - Not implemented. Streams to attach to.
    type: list
    elements: str
  blkio_weight_device:
    description:
      - Not implemented. Relative weights of the block I/O of single devices.
    type: dict
  chrootdirs:
    description:
      - Not implemented. Directories in the container to treat as root directories.
    type: str
  cidfile:
    description:
      - Not implemented. File to write the container's ID to.
    type: path
  conmon_pidfile:
    description:
      - Not implemented. File to write the PID of conmon to.
    type: path
  cpu_rt_period:
    description:
      - Not implemented. Period of the real-time quota.
    type: int
  cpu_rt_runtime:
    description:
      - Not implemented. Real-time processor time in each period.
    type: int
  decryption_key:
    description:
      - Not implemented. Key to decrypt the image with.
    type: str
  delete_time:
    description:
      - Not implemented. Seconds to wait for the container to stop before it is removed.
    type: str
  detach_keys:
    description:
      - Not implemented. Key sequence that detaches from the container.
    type: str
  device_read_bps:
    description:
      - Not implemented. Read limits of devices, in bytes per second.
    type: list
    elements: str
  device_read_iops:
    description:
      - Not implemented. Read limits of devices, in operations per second.
    type: list
    elements: str
  device_write_bps:
    description:
      - Not implemented. Write limits of devices, in bytes per second.
    type: list
    elements: str
  device_write_iops:
    description:
      - Not implemented. Write limits of devices, in operations per second.
    type: list
    elements: str
  env_host:
    description:
      - Not implemented. Whether to pass all of the host's environment variables.
    type: bool
  env_merge:
    description:
      - Not implemented. Variables to compute from those of the image.
    type: dict
  gpus:
    description:
      - Not implemented. GPUs to add.
    type: str
  group_entry:
    description:
      - Not implemented. Entry to add to the container's C(/etc/group).
    type: str
  hostuser:
    description:
      - Not implemented. Users of the host to add to the container's C(/etc/passwd).
    type: str
  http_proxy:
    description:
      - Not implemented. Whether to pass the host's proxy variables.
    type: bool
  init_ctr:
    description:
      - Not implemented. When to run the container as an init container of its pod.
    type: str
  kernel_memory:
    description:
      - Not implemented. Limit of kernel memory.
    type: str
  label_file:
    description:
      - Not implemented. File to read labels from.
    type: str
  log_level:
    description:
      - Not implemented. Verbosity of podman's own log.
    type: str
  passwd:
    description:
      - Not implemented. Whether to add entries to the container's C(/etc/passwd) and C(/etc/group).
    type: bool
  passwd_entry:
    description:
      - Not implemented. Entry to add to the container's C(/etc/passwd).
    type: str
  personality:
    description:
      - Not implemented. Execution domain of the container's processes.
    type: str
  pid_file:
    description:
      - Not implemented. File to write the PID of the container to.
    type: path
  pod:
    description:
      - Not implemented. Pod to run the container in.
    type: str
  pod_id_file:
    description:
      - Not implemented. File with the ID of the pod to run the container in.
    type: path
  preserve_fd:
    description:
      - Not implemented. File descriptors to pass to the container.
    type: list
    elements: str
  preserve_fds:
    description:
      - Not implemented. Number of additional file descriptors to pass to the container.
    type: str
  rdt_class:
    description:
      - Not implemented. RDT class of service.
    type: str
  restart_time:
    description:
      - Not implemented. Seconds to wait for the container to stop before it is restarted.
    type: str
  rmi:
    description:
      - Not implemented. Whether to remove the image with the container.
    type: bool
  sdnotify:
    description:
      - Not implemented. Mode of systemd's readiness notification.
    type: str
  seccomp_policy:
    description:
      - Not implemented. How to choose the seccomp profile.
    type: str
  secrets:
    description:
      - Not implemented. Secrets to mount in the container.
    type: list
    elements: str
  sig_proxy:
    description:
      - Not implemented. Whether to forward signals to the container.
    type: bool
  timeout:
    description:
      - Not implemented. Seconds after which the container is killed.
    type: int
  unsetenv:
    description:
      - Not implemented. Variables of the image to unset.
    type: list
    elements: str
  unsetenv_all:
    description:
      - Not implemented. Whether to unset all variables of the image.
    type: bool
"""
