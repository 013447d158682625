#!/usr/bin/env python3
"""All checks of ./dev lint: format, static, structure, other systems. --fix mends what it can."""

import argparse
import os
import pathlib
import sys

import abi
import bindings
import codes
import common
import errors
import format as formatter
import headers
import layers
import names
import paths
import portability
import sizes
import static
import symbols
import words

CHECKS = {
    "format": formatter.check,
    "include graph": layers.check,
    "sizes": sizes.check,
    "names": names.check,
    "paths": paths.check,
    "words": words.check,
    "exported symbols": symbols.check,
    "public headers": headers.check,
    "ABI": abi.check,
    "codes": codes.check,
    "errors": errors.check,
    "bindings": bindings.check,
    "static": static.check,
    "other systems": portability.check,
}

# Seconds at most: ./dev test runs these too.
FAST = ["include graph", "sizes", "names", "paths", "words", "exported symbols", "public headers", "ABI", "codes", "errors", "bindings"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=common.ROOT / "build")
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("only", nargs="*", help=f"some of: {', '.join(CHECKS)}")
    args = parser.parse_args()
    tools = pathlib.Path(os.environ.get("KOC_TEST_TOOLS", "/nonexistent"))
    context = common.Context(args.build.resolve(), tools, args.fix)
    failed = False
    for name in args.only or CHECKS:
        try:
            problems = CHECKS[name](context)
        except common.Missing as missing:
            failed = failed or common.IN_CI
            print(f"{name:17} {'FAILED' if common.IN_CI else 'skipped'}: no {missing}")
            continue
        print(f"{name:17} {'ok' if not problems else f'{len(problems)} problems'}", flush=True)
        for problem in problems:
            print(f"  {problem}")
        failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
