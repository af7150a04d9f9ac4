#!/bin/sh
# Lints template.yaml as CloudFormation and as SAM see it. Needs Python 3; installs what it uses under target/.
set -eu
cd "$(dirname "$0")/.."

tools=target/template-check
pins="cfn-lint==1.58.0 aws-sam-cli==1.170.0"
if [ "$(cat "$tools/pins" 2>/dev/null)" != "$pins" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    # shellcheck disable=SC2086
    "$tools/bin/pip" install --quiet --disable-pip-version-check $pins
    echo "$pins" >"$tools/pins"
fi

export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1
"$tools/bin/cfn-lint" template.yaml
"$tools/bin/sam" validate --lint -t template.yaml

# What SAM makes of it: counted, since CloudFormation takes 500 resources and we stay below 400; and searched for resources
# that wait for each other, which CloudFormation refuses and neither linter sees.
"$tools/bin/python" - <<'PYTHON'
import re
import sys
from graphlib import TopologicalSorter

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

template = yaml_parse(open("template.yaml").read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
resources = Translator({}, Parser()).translate(template, {})["Resources"]


def needs(node):
    if isinstance(node, list):
        for item in node:
            yield from needs(item)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in ("Ref", "DependsOn"):
                yield from [value] if isinstance(value, str) else value
            elif name == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif name == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (found.split(".")[0] for found in re.findall(r"\$\{([A-Za-z0-9.]+)\}", text))
            yield from needs(value)


graph = {name: {other for other in needs(resource) if other in resources} for name, resource in resources.items()}
TopologicalSorter(graph).prepare()
routes = sum(len(r["Properties"]["Body"]["paths"]) for r in resources.values() if r["Type"] == "AWS::ApiGatewayV2::Api")
print(f"{len(resources)} resources, {routes} routes")
sys.exit(len(resources) >= 400 or routes >= 100)
PYTHON
