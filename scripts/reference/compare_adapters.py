"""Compares two adapters of float32 tensors, with the standard library alone.

    python3 scripts/reference/compare_adapters.py ADAPTER REFERENCE [--tolerance 1e-4] [--title TEXT]

Prints the largest difference over all tensors, each relative to the reference tensor's largest
number, and exits with 1 when it is above the tolerance.
"""

import argparse
import array
import json
import math
import struct
import sys
from pathlib import Path
from typing import Dict, Tuple


def tensors(path: Path) -> Dict[str, array.array]:
    data = path.read_bytes()
    (header_bytes,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + header_bytes])
    header.pop("__metadata__", None)
    result = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise SystemExit("%s: %s is %s, not F32." % (path, name, entry["dtype"]))
        begin, end = entry["data_offsets"]
        values = array.array("f", data[8 + header_bytes + begin : 8 + header_bytes + end])
        if sys.byteorder == "big":
            values.byteswap()
        result[name] = values
    return result


def largest_difference(
    ours: Dict[str, array.array], reference: Dict[str, array.array]
) -> Tuple[float, str]:
    if ours.keys() != reference.keys():
        raise SystemExit("The adapters do not have the same tensors.")
    worst = (0.0, "")
    for name, expected in reference.items():
        if len(expected) != len(ours[name]):
            raise SystemExit("%s has two sizes." % name)
        scale = max(abs(value) for value in expected)
        differences = [abs(a - b) for a, b in zip(ours[name], expected)]
        if not scale or any(math.isnan(value) for value in differences):
            raise SystemExit("%s is zero or not a number: nothing was trained." % name)
        worst = max(worst, (max(differences) / scale, name))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("adapter", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--title", default="largest difference")
    options = parser.parse_args()
    difference, name = largest_difference(tensors(options.adapter), tensors(options.reference))
    passed = difference <= options.tolerance
    print(
        "%-40s %.2e  (allowed %.0e)  %s%s"
        % (
            options.title,
            difference,
            options.tolerance,
            "equal" if passed else "DIFFERENT in ",
            "" if passed else name,
        )
    )
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
