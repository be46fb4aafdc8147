# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site: the guides, and the pages that antsibull-docs makes of modules, plugins and roles."""

from __future__ import annotations

from typing import Any

project = "slipway.oci"
html_title = "slipway.oci"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 4
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
highlight_language = "YAML+Jinja"

# A reference to something that does not exist is a warning, and so a failure. References to other projects are not checked:
# their pages would have to be downloaded.
nitpicky = True
nitpick_ignore_regex = [
    ("std:ref", r"ansible_collections\.(?!slipway\.oci\.).*"),
    ("std:envvar", "ANSIBLE_(?!SLIPWAY_).*"),
    ("std:ref", "action_plugins|ansible_configuration_settings|common_return_values"),
]


def _with_levels(_app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Give the captions of the side bar, which are marked as headings, the level that such a mark needs."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Any) -> None:
    """Connect what this file adds to Sphinx; called by Sphinx."""
    app.connect("html-page-context", _with_levels, priority=900)  # behind the theme
