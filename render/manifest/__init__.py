"""The one table for synthetic and real data: schema, conventions, reading, writing, checking."""

from render.manifest.conventions import HAND_SIDES, JointState, backproject, project
from render.manifest.reading import Manifest, parse_data_source
from render.manifest.schema import SCHEMA, SCHEMA_VERSION, DatasetInfo
from render.manifest.verifying import verify
from render.manifest.writing import PartWriter, remove_rubbish, seal, write_dataset

__all__ = [
    "HAND_SIDES",
    "SCHEMA",
    "SCHEMA_VERSION",
    "DatasetInfo",
    "JointState",
    "Manifest",
    "PartWriter",
    "backproject",
    "parse_data_source",
    "project",
    "remove_rubbish",
    "seal",
    "verify",
    "write_dataset",
]
