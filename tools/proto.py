"""Generates the gRPC stubs beside their user: proto/NAME.proto → NAME/NAME_pb2.py."""

import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    for source in sorted((ROOT / "proto").glob("*.proto")):
        out = ROOT / source.stem
        command = ["protoc", f"-I{source.parent}", f"--python_out={out}", f"--pyi_out={out}"]
        if protoc.main([*command, f"--grpc_python_out={out}", str(source)]) != 0:
            sys.exit(f"protoc refuses {source}")
        grpc = out / f"{source.stem}_pb2_grpc.py"
        # the generator writes a top-level import; the stub lives in a package
        text = grpc.read_text().replace(f"import {source.stem}_pb2", f"from {source.stem} import {source.stem}_pb2")
        grpc.write_text(text)


if __name__ == "__main__":
    main()
