"""Hold compose.yaml and dask-cluster.yaml against the published schemas.

`make deployment` calls this with two packages that no test needs: compose-spec, a parser of the
Compose specification, and dask-kubernetes, whose files define the operator's resources.
"""

import json
from pathlib import Path

import jsonschema
import yaml

from tests.deploy.files import documents

CRD = "operator/deployment/helm/dask-kubernetes-operator/crds/daskcluster.yaml"


def strict(schema: dict[str, object]) -> None:
    """Refuse fields that a schema does not name, as the cluster would silently drop them."""
    properties = schema.get("properties")
    if isinstance(properties, dict):
        schema.setdefault("additionalProperties", False)
        for one in properties.values():
            strict(one)
    for key in ("items", "additionalProperties"):
        if isinstance(one := schema.get(key), dict):
            strict(one)


def main() -> None:
    import dask_kubernetes  # neither is installed with the test tools
    from compose_spec import PyCompose

    services = PyCompose.from_json(json.dumps(documents("compose.yaml"))).service_names()
    print(f"compose.yaml: {len(services)} services")
    cluster = documents("dask-cluster.yaml")
    path = Path(dask_kubernetes.__file__).parent / CRD
    definition = yaml.safe_load(path.read_text(encoding="utf-8"))
    (version,) = (
        one
        for one in definition["spec"]["versions"]
        if cluster["apiVersion"] == f"{definition['spec']['group']}/{one['name']}"
    )
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    strict(schema)
    jsonschema.validate(cluster["spec"], schema)
    print(f"dask-cluster.yaml: {cluster['kind']} {cluster['apiVersion']}")


if __name__ == "__main__":
    main()
