# METADATA
# title: Keys stay in the house
# description: Detectors run in masking; here is what their findings mean. Names are data/detectors.yaml.
package packs.secrets

import data.exeat.reason

is_secret(rule) if rule in data.packs.secrets.detectors.keys

# the gateway's own upstream keys, as masking calls them
is_secret(rule) if startswith(rule, "secret_")

declared if is_array(data.packs.secrets.detectors.keys)

in_address(where) if where == "path"

in_address(where) if startswith(where, "query")

# METADATA
# title: No keys in a request
# custom:
#   rule: secret_in_request
#   controls: ["NIST-800-53:AC-4", "NIST-800-53:IA-5"]
deny contains reason(rego.metadata.rule(), "The request holds a private key or an API key.") if {
	some finding in input.findings
	is_secret(finding.rule)
}

# METADATA
# title: Nothing personal in an address
# description: Addresses end up in the logs of every server on the way (OWASP ASVS 5.0, V14.2.1).
# custom:
#   rule: finding_in_address
#   controls: ["NIST-800-53:AC-4", "NIST-800-53:SC-7(10)"]
deny contains reason(rego.metadata.rule(), "The address of the request holds what must not be seen.") if {
	some finding in input.findings
	in_address(finding.where)
}

# METADATA
# title: Names of detectors are declared
# custom:
#   rule: detectors_missing
#   controls: ["NIST-800-53:SI-17"]
deny contains reason(rego.metadata.rule(), "The detectors of keys are not declared.") if {
	not declared
}

masking contains "secrets"
