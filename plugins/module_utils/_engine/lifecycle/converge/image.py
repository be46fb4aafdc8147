# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull a container's image, if needed, before anything else is done."""

from __future__ import annotations

from contextlib import suppress

from ...errors import EngineError, ImageUnknown, NotFound, RegistryDenied, RegistryFailed
from ...model.image.pull import MISSING, NEVER
from ...plan.container import ABSENT
from ..core.engine import Engine
from ..core.images import find_image
from ..core.outcome import Outcome
from .request import Request

#: Errors that an earlier task of the play may prevent: it loads the image, logs in, installs what is missing.
_MENDED = (ImageUnknown, RegistryDenied, RegistryFailed)


def bring_image(engine: Engine, request: Request) -> Outcome:
    """Pull the image if the task wants that, and return the outcome. Raises what ``pull`` raises.

    In check mode, an image that can't be pulled only causes a warning: an earlier task of the play may provide it.
    """
    wanted = request.pull
    if wanted is None or request.state == ABSENT:
        return Outcome()
    if wanted.policy in (MISSING, NEVER) and _is_here(engine, wanted.name):
        return Outcome()
    from ..image.pull import pull

    try:
        return pull(engine, wanted)
    except EngineError as error:
        if engine.predicting and isinstance(error, _MENDED):
            return Outcome(warnings=(error.message,))
        if not engine.tolerates(error):
            raise
    return Outcome()


def _is_here(engine: Engine, name: str) -> bool:
    with engine.database.reading() as connection, suppress(NotFound):
        find_image(connection, name)
        return True
    return False
