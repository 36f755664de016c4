"""Decodes pictures into the cache: `python -m render.blender.decode`, their names on its input.

An image that cannot be read ends with exit code 2 and one sentence on standard error.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mano_assets.errors import InputError
from render.blender.environments import decode_environment
from render.settings.library import SettingLibrary


def main() -> int:
    """Entry point of the process."""
    files = {kind: list(map(Path, names)) for kind, names in json.load(sys.stdin).items()}
    library = SettingLibrary(files["environments"], files["photographs"], decode_environment)
    try:
        library.prepare()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
