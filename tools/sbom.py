"""The bill of materials of what runs: CycloneDX 1.6, JSON, the same bytes for the same locks.

It names the packages of the run-time lock with all hashes that the lock accepts, the programs inside of them
(Envoy, OPA, ClickHouse), and which package needs which. Development tools are not in it: they are not shipped.
"""

import json
import tomllib
import uuid
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packages import ROOT, RUN, Package, licences, locked
from packageurl import PackageURL

SPACE = uuid.UUID("6c1f9d3e-8f0b-5c55-9d43-0f6f3a1d7e52")  # of our serial numbers: a UUID of version 5 over the content


def text() -> str:
    document = json.loads(JsonV1Dot6(_bom()).output_as_string())
    del document["metadata"]["timestamp"]  # two makes of the same locks are the same bytes
    del document["serialNumber"]
    document["serialNumber"] = uuid.uuid5(SPACE, json.dumps(document, sort_keys=True)).urn
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _bom() -> Bom:
    known = licences()
    bom = Bom()
    packages = locked(*RUN)
    components = {package.ref: _component(package, known) for package in packages}
    root = _root()
    bom.metadata.component = root
    for component in components.values():
        bom.components.add(component)
    direct = [components[one.ref] for one in packages if any(by.endswith(".in") for by in one.needed_by)]
    bom.register_dependency(root, direct)
    for package in packages:
        needed = [components[other.ref] for other in packages if package.name in other.needed_by]
        bom.register_dependency(components[package.ref], needed)
    return bom


def _root() -> Component:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        description=project["description"],
        licenses=[LicenseExpression(project["license"])],
        bom_ref=f"{project['name']}@{project['version']}",
    )


def _component(package: Package, known: dict[str, Any]) -> Component:
    component = Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=package.ref,
        purl=PackageURL("pypi", None, package.name, package.version),
        scope=ComponentScope.REQUIRED,
        licenses=[LicenseExpression(known["packages"][package.name])],
        # one for each wheel or archive of this version that the lock accepts
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=value) for _, value in package.hashes],
    )
    if package.marker:
        component.properties.add(Property(name="exeat:marker", value=package.marker))
    inner = known["carried"].get(package.name)
    if inner:
        component.components.add(
            Component(
                name=inner["name"],
                version=inner["version"],
                type=ComponentType.APPLICATION,
                bom_ref=inner["purl"],
                purl=PackageURL.from_string(inner["purl"]),
                licenses=[LicenseExpression(inner["licence"])],
            )
        )
    return component
