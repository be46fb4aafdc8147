# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the documentation of options from the tables that declare them: ``make generated``.

A table is a class whose attributes are options. The text below each is its documentation; Python does not compile it, so
running tasks does not load it. Each paragraph becomes an item of the description. A line ``name:`` begins the part of one of a
row's arguments, or of a suboption.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import yaml
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.option import LIVE, RECREATE
from ansible_collections.slipway.oci.plugins.module_utils._engine.model.container.options import OPTIONS
from ansible_collections.slipway.oci.plugins.module_utils._module.not_built import NOT_BUILT
from ansible_collections.slipway.oci.plugins.module_utils._module.options import ENGINE_OPTIONS, declared
from ansible_collections.slipway.oci.plugins.module_utils._module.podman_options import (
    CONTAINER,
    foreign_options,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.container_options import (
    TASK_OPTIONS,
    argument_spec,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.image.login import (
    LoginOptions,
    LogoutOptions,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.image.options import ImageOptions
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.image.pull_options import (
    PlatformOptions,
    PullOptions,
    SendOptions,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.image.push import PushOptions
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.network_options import (
    ARGUMENTS as NETWORK_OPTIONS,
)
from ansible_collections.slipway.oci.plugins.module_utils._module.tasks.volume_options import (
    ARGUMENTS as VOLUME_OPTIONS,
)

from sourcetree import PLUGINS

_WIDTH = 120
_PART = re.compile(r"([a-z_]+):")
#: The options of a DOCUMENTATION, up to the first line that is not indented.
_BLOCK = re.compile(r"^options:\n(?:(?:  .*)?\n)+?(?=\S)", re.MULTILINE)

#: Description and argument spec of an option, in the form of DOCUMENTATION.
Documented = dict[str, Any]
#: The last sentence of an option of a container, by what changing it requires.
CHANGES = {
    LIVE: "Can be changed while the container runs.",
    RECREATE: "Changing this recreates the container.",
}


def texts(path: str, table: str) -> dict[str, str]:
    """Return the text below each attribute of a class, by the attribute's name."""
    (found,) = (
        node
        for node in ast.parse((PLUGINS / "module_utils" / path).read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == table
    )
    pairs = zip(found.body, found.body[1:])
    return {_name(row): ast.literal_eval(text.value) for row, text in pairs if _is_documented(row, text)}


def _name(row: ast.stmt) -> str:
    (target,) = row.targets if isinstance(row, ast.Assign) else [row.target]
    return target.id


def _is_documented(row: ast.stmt, text: ast.stmt) -> bool:
    is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    return isinstance(row, (ast.Assign, ast.AnnAssign)) and is_text


def parts(text: str) -> dict[str, list[str]]:
    """Return the paragraphs of each part of a text; those before the first part belong to "", the row itself."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for block in re.split(r"\n\s*\n", _dedented(text)):
        first, _line, rest = block.strip("\n").partition("\n")
        begun = _PART.fullmatch(first)
        name = begun[1] if begun else name
        found.setdefault(name, []).append(" ".join((rest if begun else block).split()))
    return {name: paragraphs for name, paragraphs in found.items() if paragraphs}


def _dedented(text: str) -> str:
    """Return a docstring without its indentation; the first line has none."""
    first, _line, rest = text.partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}".strip("\n")


def documented(argument: Mapping[str, Any], found: Mapping[str, list[str]], own: str = "") -> Documented:
    """Return the documentation of an option; ``found`` is the result of ``parts``, ``own`` the option's part of it."""
    kept = ("type", "elements", "required", "default", "choices", "aliases")
    inner = argument.get("options", {})
    result = {"description": found[own], **{key: argument[key] for key in kept if key in argument}}
    if inner:
        result["suboptions"] = {name: documented(inner[name], found, name) for name in inner}
    return result


def of_container() -> dict[str, Documented]:
    """Return the options of module container: the engine's table, then those of the task."""
    described = texts("_engine/model/container/options.py", "ContainerOptions")
    table = {}
    for row in OPTIONS:
        found = parts(described[row.name])
        for name, argument in row.arguments.items():
            table[name] = documented(argument, found, name if len(row.arguments) > 1 else "")
            if row.name != "name":  # a different name means a different container
                table[name]["description"] = [*table[name]["description"], CHANGES[row.change]]
    return {
        **table,
        **of_class("_module/tasks/container_options.py", "TaskOptions", TASK_OPTIONS),
        **of_pull(),
    }


def of_class(path: str, table: str, arguments: Mapping[str, Mapping[str, Any]]) -> dict[str, Documented]:
    """Return the options that a class declares."""
    described = texts(path, table)
    return {name: documented(argument, parts(described[name])) for name, argument in arguments.items()}


def of_volume() -> dict[str, Documented]:
    """Return the options of module volume."""
    return of_class("_module/tasks/volume_options.py", "VolumeOptions", VOLUME_OPTIONS)


def of_pull() -> dict[str, Documented]:
    """Return the options that all modules share that pull images."""
    path = "_module/tasks/image/pull_options.py"
    return {
        **of_class(path, "PullOptions", declared(PullOptions)),
        **of_class(path, "PlatformOptions", declared(PlatformOptions)),
        **of_class(path, "SendOptions", declared(SendOptions)),
    }


def of_image() -> dict[str, Documented]:
    """Return the options of module image."""
    own = of_class("_module/tasks/image/options.py", "ImageOptions", declared(ImageOptions))
    return {**own, **of_pull()}


def of_push() -> dict[str, Documented]:
    """Return the options of module image_push."""
    pull = of_class("_module/tasks/image/pull_options.py", "PullOptions", declared(PullOptions))
    return {**of_class("_module/tasks/image/push.py", "PushOptions", declared(PushOptions)), **pull}


def of_login() -> dict[str, Documented]:
    """Return the options of module login."""
    path = "_module/tasks/image/login.py"
    pull = of_class("_module/tasks/image/pull_options.py", "PullOptions", declared(PullOptions))
    return {**of_class(path, "LoginOptions", declared(LoginOptions)), **pull}


def of_logout() -> dict[str, Documented]:
    """Return the options of module logout."""
    return of_class("_module/tasks/image/login.py", "LogoutOptions", declared(LogoutOptions))


def of_network() -> dict[str, Documented]:
    """Return the options of module network."""
    return of_class("_module/tasks/network_options.py", "NetworkOptions", NETWORK_OPTIONS)


def not_built() -> dict[str, Documented]:
    """Return the options of podman_container that are refused."""
    found = of_class("_engine/model/container/options.py", "NotBuilt", NOT_BUILT)
    for option in found.values():
        option["description"] = [f"Not implemented. {' '.join(option['description'])}"]
    return found


# -- YAML -----------------------------------------------------------------------------------------


def rendered(options: Mapping[str, Documented], indent: str = "") -> Iterator[str]:
    """Yield the lines of a mapping of options."""
    for name, option in options.items():
        yield f"{indent}{name}:"
        yield f"{indent}  description:"
        for paragraph in option["description"]:
            yield from _item(paragraph, f"{indent}    ")
        for key, value in option.items():
            if key not in ("description", "suboptions"):
                yield f"{indent}  {key}: {_value(value)}"
        if "suboptions" in option:
            yield f"{indent}  suboptions:"
            yield from rendered(option["suboptions"], f"{indent}    ")


def _item(text: str, indent: str) -> list[str]:
    plain = _wrapped(text, indent)
    try:
        if yaml.safe_load("\n".join(plain)) == [text]:
            return plain
    except yaml.YAMLError:  # as plain text it is not even valid YAML
        pass
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return _wrapped(f'"{escaped}"', indent)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"{indent}- ",
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _value(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()


# -- Python ---------------------------------------------------------------------------------------

#: The argument spec of module container, for importers that must not load the engine.
ARGUMENTS = "module_utils/_module/container_arguments.py"
_HEAD = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# fmt: off
\"\"\"The argument spec of module ``container``; written by `make generated` from the tables that declare the options.\"\"\"

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ARGUMENTS: dict[str, dict[str, Any]] = {
"""


def arguments() -> str:
    """Return the text of the file with the argument spec of module container."""
    spec = {**ENGINE_OPTIONS, **foreign_options(CONTAINER), **argument_spec()}
    return "".join((_HEAD, *(_entry(name, _plain(argument)) for name, argument in spec.items()), "}\n"))


def _entry(name: str, argument: Mapping[str, Any]) -> str:
    line = f"    {_quoted(name)}: {_quoted(argument)},\n"
    if len(line) <= _WIDTH:
        return line
    parts = (f"        {_quoted(key)}: {_quoted(value)},\n" for key, value in argument.items())
    return "".join((f"    {_quoted(name)}: {{\n", *parts, "    },\n"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [*map(_plain, value)] if isinstance(value, (list, tuple)) else value


def _quoted(value: Any) -> str:
    """Return the value as a literal with double quotes, as the formatter writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {_quoted(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return json.dumps(value) if isinstance(value, str) else repr(value)


# -- files ----------------------------------------------------------------------------------------


#: The files below plugins with generated documentation, and the function that returns the options of each.
FILES: Mapping[str, Callable[[], dict[str, Documented]]] = {
    "modules/container.py": of_container,
    "modules/image.py": of_image,
    "modules/image_push.py": of_push,
    "modules/login.py": of_login,
    "modules/logout.py": of_logout,
    "modules/network.py": of_network,
    "modules/volume.py": of_volume,
    "doc_fragments/not_built.py": not_built,
}


def generated(path: str) -> str:
    """Return the text of one of ``FILES`` with its generated options."""
    return replaced((PLUGINS / path).read_text(), rendered(FILES[path](), "  "))


def replaced(text: str, lines: Iterable[str]) -> str:
    """Return a file's text with the options of its DOCUMENTATION replaced."""
    block = "".join(f"{line}\n" for line in ("options:", *lines))
    result, count = _BLOCK.subn(lambda _found: block, text, count=1)
    if not count:
        raise ValueError("DOCUMENTATION has no options")
    return result


if __name__ == "__main__":
    for name in FILES:
        (PLUGINS / name).write_text(generated(name))
    (PLUGINS / ARGUMENTS).write_text(arguments())
