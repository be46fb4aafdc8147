# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the body of a module: read the options, open the engine, act, and exit with the result or an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn, TypeVar

from .._engine.errors import EngineError
from .._engine.frozen import replace
from .._engine.lifecycle.core.engine import Engine
from .._engine.lifecycle.core.outcome import Outcome
from .._engine.model.values import utf8
from . import ansible_module
from .ansible_module import Module
from .diff import told
from .options import ENGINE_OPTIONS, ArgumentSpec
from .podman_options import foreign_options, refuse_foreign
from .render import render, render_info

Request = TypeVar("Request")


#: Opens an engine with a task's options; ``read_only``: nothing may be changed.
Opener = Callable[..., AbstractContextManager[Engine]]


def run_with(
    opener: Opener,
    argument_spec: ArgumentSpec,
    read: Callable[[Mapping[str, Any]], Request | None],
    act: Callable[[Engine, Request], Outcome],
    *,
    looks: bool,
    files: bool = False,
    otherwise: Outcome,
    foreign: Sequence[str] = (),
    begun: Module | None = None,
) -> None:
    """Run a module and exit.

    ``read`` converts the options into the request before the engine is opened, so that an invalid option
    changes nothing; ``act`` carries it out. ``looks``: the module never changes anything; in other modules, a
    request of None refers to an object that cannot exist, and nothing is done. ``files``: the module has the
    options for a file's owner and mode, and returns the file as ``dest``. ``otherwise``: the prediction of
    check mode if something is missing that an earlier task could create; its texts are formatted with the
    task's options (``{name}``). ``foreign``: options of podman's module that are refused with a remedy.
    ``begun``: the module, if its options have been read already.
    """
    module = begun or ansible_module.Module(
        {**ENGINE_OPTIONS, **foreign_options(foreign), **argument_spec},
        supports_check_mode=True,
        add_file_common_args=files,
    )
    engine: Engine | None = None
    try:
        refuse_foreign(foreign, module.params)
        request: Any = read(module.params)
        for text in getattr(request, "remarks", ()):
            module.warn(utf8.text(text))
        if request is None and not looks:
            _exit(module, Outcome(result=otherwise.result), None, looks=looks, files=files)
        settings = _settings(module.params)
        if getattr(request, "ends", False) and not module.check_mode:
            outcome, engine = _ended(opener, settings, act, request)
        else:
            with opener(**settings, read_only=looks or module.check_mode) as engine:
                with _progress(module, settings["run_root"]):
                    outcome = act(engine, request)
                if looks:
                    from .._engine.lifecycle.host.read_only import unknown

                    outcome = replace(outcome, warnings=(*outcome.warnings, *map(str, unknown(engine))))
    except (EngineError, OSError) as error:
        _warn(module, engine)
        outcome = _foretold(module, error, otherwise) or _fail(module, error, engine)
    else:
        _warn(module, engine)
    _exit(module, outcome, engine, looks=looks, files=files)


def _progress(module: Module, run_root: str) -> AbstractContextManager[None]:
    """Return what writes the progress of the task, where a controller reads it."""
    if not module.progress:
        return nullcontext()
    from .progress_file import written

    return written(module.progress, run_root)


def _ended(
    opener: Opener, settings: dict[str, Any], act: Callable[[Engine, Request], Outcome], request: Request
) -> tuple[Outcome, Engine]:
    """Carry out a request that stops a container, even on a full disk; return the outcome and the engine."""
    from .._engine.lifecycle.core.emergency import ended
    from .._engine.model.engine.layout import Layout

    (outcome, engine), warning = ended(
        lambda: opener(**settings),
        Layout(settings["root"], settings["run_root"]),
        lambda engine: (act(engine, request), engine),
        removes=getattr(request, "removes", False),
    )
    return replace(outcome, warnings=(*outcome.warnings, warning)) if warning else outcome, engine


def _warn(module: Module, engine: Engine | None) -> None:
    """Issue warnings for errors that were not fatal, and for the assumptions of a prediction."""
    for error in engine.warned if engine else ():
        module.warn(utf8.text(error.code if module.no_log else str(error)))
    for error in engine.tolerated if engine and module.check_mode else ():
        _warn_of(module, error)


def _warn_of(module: Module, error: EngineError) -> None:
    what = error.code if module.no_log else error.message
    module.warn(utf8.text(f"{what}: a real run would fail unless an earlier task {error.mended_by}"))


def _foretold(module: Module, error: EngineError | OSError, otherwise: Outcome) -> Outcome | None:
    """Return the prediction if the engine's state cannot be read yet; None if the task fails in any case."""
    if isinstance(error, OSError) or not (module.check_mode and error.mended_by):
        return None
    _warn_of(module, error)
    filled = {
        key: value.format_map(module.params) if isinstance(value, str) else value
        for key, value in otherwise.result.items()
    }
    actions = tuple(text.format_map(module.params) for text in otherwise.actions)
    return replace(otherwise, actions=actions, result=filled)


def _fail(module: Module, error: EngineError | OSError, engine: Engine | None) -> NoReturn:
    from .failure import failure

    told = failure(error, no_log=module.no_log, aliases=module.written)
    module.fail_json(**_without_warnings(module, utf8.whole(told)), **_timings(engine))
    raise SystemExit(1)  # never reached: fail_json exits


def _exit(module: Module, outcome: Outcome, engine: Engine | None, *, looks: bool, files: bool) -> NoReturn:
    subject = str(module.params.get("name") or "")
    result = render_info(outcome) if looks else render(outcome, subject=subject)
    if not looks:
        result = told(result, outcome, diff=module._diff)  # noqa: SLF001  (Ansible has no public accessor)
    if files and "dest" in result:
        _set_attributes(module, result)
    module.exit_json(**_without_warnings(module, utf8.whole(result)), **_timings(engine))
    raise SystemExit(0)  # never reached: exit_json exits


def _without_warnings(module: Module, result: dict[str, Any]) -> dict[str, Any]:
    """Pass the warnings to Ansible, which deprecates them in results, and return the rest of the result."""
    for text in result.pop("warnings", ()):
        if not module.no_log:
            module.warn(text)
    return result


def _set_attributes(module: Module, result: dict[str, Any]) -> None:
    """Set the owner and mode of the file with Ansible's own code."""
    wanted = module.load_file_common_arguments(module.params, path=result["dest"])
    if module.set_fs_attributes_if_different(wanted, changed=False):
        result["changed"] = True
        result["actions"].append(f"set the attributes of {result['dest']}")


def _settings(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: params[name] for name in ("root", "run_root", "runtime", "cgroup_manager", "storage_driver")
    }


def _timings(engine: Engine | None) -> dict[str, Any]:
    return {"timings": engine.timings.rounded() if engine else {}}
