"""Generates the gRPC stubs beside their user: proto/NAME.proto → NAME/NAME_pb2.py."""

import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    for source in sorted((ROOT / "proto").glob("*.proto")):
        name = source.stem
        # mapped into the package of its user, so that the stubs import each other from there
        outputs = [f"--{kind}_out={ROOT}" for kind in ("python", "pyi", "grpc_python")]
        if protoc.main(["protoc", f"-I{name}={source.parent}", *outputs, f"{name}/{source.name}"]) != 0:
            sys.exit(f"protoc refuses {source}")


if __name__ == "__main__":
    main()
