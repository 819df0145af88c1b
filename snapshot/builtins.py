"""Which of OPA's builtins a policy may call: those whose value depends on their arguments alone.

A decision must come out the same when it is asked again in a year, must not reach the network, and must not read this
process. Names are OPA's (capabilities of 1.20); what is not listed is refused, also a builtin of a later OPA.
"""

_OPERATORS = """
    assign eq equal neq lt lte gt gte plus minus mul div rem and or minus abs ceil floor round
    internal.member_2 internal.member_3 internal.template_string
"""
_VALUES = """
    count sum product max min sort union intersection
    array.concat array.flatten array.reverse array.slice
    object.filter object.get object.keys object.remove object.subset object.union object.union_n
    numbers.range numbers.range_step bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor
    to_number format_int type_name is_array is_boolean is_null is_number is_object is_set is_string
    json.filter json.patch json.remove walk graph.reachable graph.reachable_paths
"""
_TEXT = """
    concat contains endswith indexof indexof_n lower replace split sprintf startswith substring trim trim_left
    trim_prefix trim_right trim_space trim_suffix upper strings.any_prefix_match strings.any_suffix_match strings.count
    strings.replace_n strings.reverse strings.split_n
    regex.find_all_string_submatch_n regex.find_n regex.globs_match regex.is_valid regex.match regex.replace regex.split
    regex.template_match glob.match glob.quote_meta
"""
_FORMATS = """
    base64.decode base64.encode base64.is_valid base64url.decode base64url.encode base64url.encode_no_pad
    hex.decode hex.encode json.is_valid json.marshal json.marshal_with_options json.unmarshal
    urlquery.decode urlquery.decode_object urlquery.encode urlquery.encode_object uri.is_valid uri.parse
    yaml.is_valid yaml.marshal yaml.unmarshal units.parse units.parse_bytes semver.compare semver.is_valid uuid.parse
    graphql.is_valid graphql.parse graphql.parse_and_verify graphql.parse_query graphql.parse_schema
    graphql.schema_is_valid
    net.cidr_contains net.cidr_contains_matches net.cidr_expand net.cidr_intersects net.cidr_is_valid net.cidr_merge
    net.cidr_overlap
    crypto.sha256 crypto.hmac.sha256 crypto.hmac.sha512 crypto.hmac.equal
    time.add_date time.clock time.date time.diff time.format time.parse_duration_ns time.parse_ns
    time.parse_rfc3339_ns time.weekday
"""
_RULES = "rego.metadata.chain rego.metadata.rule"

ALLOWED = frozenset(" ".join((_OPERATORS, _VALUES, _TEXT, _FORMATS, _RULES)).split())
ALLOWED_IN_TESTS = ALLOWED | {"print", "internal.print", "internal.test_case"}

# why not, for the author; a name that is nowhere gets the general answer
REASONS = {
    "http.send": "a decision must not reach the network",
    "net.lookup_ip_addr": "a decision must not reach the network",
    "json.match_schema": "a schema's $ref reaches the network",
    "json.verify_schema": "a schema's $ref reaches the network",
    "opa.runtime": "it hands the engine's environment to policies",
    "rand.intn": "a decision must come out the same when it is asked again",
    "uuid.rfc4122": "a decision must come out the same when it is asked again",
    "time.now_ns": "a decision must come out the same when it is asked again; use input.time",
    "io.jwt.decode_verify": "it reads the clock; tokens are verified before the policy is asked",
    "io.jwt.encode_sign": "a decision signs nothing",
    "io.jwt.encode_sign_raw": "a decision signs nothing",
    "providers.aws.sign_req": "a decision signs nothing",
    "crypto.x509.parse_and_verify_certificates": "it reads the clock",
    "crypto.x509.parse_and_verify_certificates_with_options": "it reads the clock",
    "rego.parse_module": "a policy does not read policies",
    "print": "it would put content into a log; tests may use it",
    "trace": "it would put content into a log",
}


def refusal(name: str, *, in_tests: bool) -> str | None:
    """Why a call of `name` is refused, None if it may be called."""
    if name in (ALLOWED_IN_TESTS if in_tests else ALLOWED):
        return None
    if name in REASONS:
        return f"builtin `{name}` is not allowed: {REASONS[name]}"
    return f"`{name}` is neither a function of this repository nor on the list of allowed builtins"
