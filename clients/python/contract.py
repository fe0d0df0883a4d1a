"""Proto/permafrost.proto as Python classes: contract.Header, contract.Hello and so on, compiled when imported."""

import importlib
import sys
import tempfile
from pathlib import Path

from google.protobuf.message import DecodeError  # noqa: F401  (contract.DecodeError)
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[2] / "Proto"

with tempfile.TemporaryDirectory() as _folder:
    if protoc.main(["protoc", "-I%s" % PROTO, "--python_out=%s" % _folder, "permafrost.proto"]):
        raise ImportError("%s cannot be compiled" % (PROTO / "permafrost.proto"))
    sys.path.insert(0, _folder)
    try:
        globals().update(vars(importlib.import_module("permafrost_pb2")))
    finally:
        sys.path.remove(_folder)

VERSION = 1
LARGEST_FRAME = 64 << 20
MOST_SAMPLES, MOST_ROWS = 1024, 65536
UNKNOWN_SESSION, DEAD_LETTERED, SENDER_REFUSED, STORE_FULL, DRAINING = 12, 53, 54, 55, 56
