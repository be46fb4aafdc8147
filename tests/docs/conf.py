# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes one site of the guides and of what antsibull-docs says of modules, plugins and roles."""

from __future__ import annotations

project = "slipway.oci"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 4
html_theme = "alabaster"
html_copy_source = False
highlight_language = "YAML+Jinja"
pygments_style = "ansible"

# What is referred to and is nowhere is a warning, and so a failure; others' pages would have to be downloaded to be looked into.
nitpicky = True
nitpick_ignore_regex = [
    ("std:ref", r"ansible_collections\.(?!slipway\.oci\.).*"),
    ("envvar", r"ANSIBLE_(?!SLIPWAY_).*"),
    ("std:ref", "action_plugins|ansible_configuration_settings|common_return_values"),
]
