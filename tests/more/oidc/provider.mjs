// An OpenID provider that is not ours (npm `oidc-provider`), on loopback http, for tests/more/test_oidc_provider.py.
//
//   node provider.mjs '{"ttl": 300}'
//
// The first line on standard output is {"issuer": …}. Each line on standard input is a command, answered by one line:
//   {"rotate": {"keep": true}}   new signing keys; the old ones stay published only with `keep`
// It ends when its standard input does, so nothing is left of it when its owner dies.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

console.info = console.error; // the library's notices: standard output is for answers

const { ttl = 300 } = JSON.parse(process.argv[2] ?? '{}');

const AGENTS = 'urn:exeat:agents';
const PEOPLE = 'urn:exeat:people';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const AUDIENCES = { [AGENTS]: 'exeat', [PEOPLE]: 'exeat-people', 'urn:elsewhere': 'elsewhere' };
const KINDS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

function makeKeys() {
  return Object.entries(KINDS).map(([alg, make]) => (
    { ...make().privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() }
  ));
}

// one client per algorithm: `research-agent-ES256` gets tokens that are signed so
const agents = Object.keys(KINDS).map((alg) => ({
  client_id: `research-agent-${alg}`,
  client_secret: 'a secret of the tests: +/%&=',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
}));
const people = {
  client_id: 'exeat-cli',
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  grant_types: [DEVICE],
  redirect_uris: [],
  response_types: [],
};

const browsers = {
  client_id: 'exeat-console',
  token_endpoint_auth_method: 'none',
  application_type: 'native', // loopback http, any port (RFC 8252 §7.3)
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['http://127.0.0.1/sign-in/back'],
  response_types: ['code'],
};
const forPeople = [people.client_id, browsers.client_id];

function resourceServer(ctx, resource, client) {
  const alg = client.clientId.split('-').at(-1);
  return {
    scope: 'openid profile email',
    audience: AUDIENCES[resource],
    accessTokenFormat: 'jwt',
    accessTokenTTL: ttl,
    jwt: { sign: { alg: alg in KINDS ? alg : 'RS256' } },
  };
}

function claims(ctx, token) {
  if (token.kind === 'ClientCredentials') return { groups: ['research'], owner: 'alice@bank.example' };
  const { DeviceCode, AuthorizationCode, RefreshToken } = ctx.oidc.entities;
  const { authTime } = DeviceCode ?? AuthorizationCode ?? RefreshToken;
  return { groups: ['ledger-approvers'], email: `${token.accountId}@bank.example`, auth_time: authTime };
}

function provider(issuer, keys) {
  return new Provider(issuer, {
    clients: [...agents, people, browsers],
    issueRefreshToken: (ctx, client) => client.clientId === browsers.client_id,
    jwks: { keys },
    cookies: { keys: ['cookies of the tests'] },
    // what the metadata may name: the provider offers RS256 alone unless it is told
    enabledJWA: { idTokenSigningAlgValues: Object.keys(KINDS) },
    extraTokenClaims: claims,
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@bank.example` }) }),
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // people's programs name no resource: their client decides. An agent's that names none gets an opaque token
        defaultResource: (ctx, client, oneOf) => oneOf ?? (forPeople.includes(client.clientId) ? PEOPLE : undefined),
        getResourceServerInfo: resourceServer,
        useGrantedResource: () => true,
      },
    },
  });
}

const server = createServer((request, response) => handler(request, response));
let handler;
let keys = makeKeys();

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handler = provider(issuer, keys).callback();
  console.log(JSON.stringify({ issuer }));
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const { rotate } = JSON.parse(line);
      keys = [...makeKeys(), ...(rotate.keep ? keys : [])];
      handler = provider(issuer, keys).callback();
      console.log(JSON.stringify({ keys: keys.length }));
    })
    .on('close', () => process.exit(0));
});
