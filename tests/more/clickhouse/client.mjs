// npm `@clickhouse/client` against the store, for tests/more/test_clickhouse_client.py.
//
//   node client.mjs '{"url": "http://127.0.0.1:8123", "accounts": {"exeat_writer": "password", …}}'
//
// Each line on standard input is {"as": account, "do": name, "options": client options, …}; answered by one line,
// {"value": …} or {"error": {"kind", "code", "type", "message"}}. It ends with its input.

import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

import { createClient } from '@clickhouse/client';

const { url, accounts } = JSON.parse(process.argv[2]);

const VERBS = {
  ping: (client) => client.ping(),
  // the whole answer in one of the JSON formats, and what the client made of the headers
  async query(client, { sql, params = {}, format = 'JSONEachRow', settings = {}, id }) {
    const found = await client.query({
      query: sql, query_params: params, format, clickhouse_settings: settings, query_id: id,
    });
    return { id: found.query_id, rows: await found.json() };
  },
  async text(client, { sql, format }) {
    return (await client.query({ query: sql, format })).text();
  },
  // row by row, as a report would read a large table; `most` rows at most, then the stream is dropped
  async stream(client, { sql, most = Infinity }) {
    let rows = 0;
    let last;
    for await (const part of (await client.query({ query: sql, format: 'JSONEachRow' })).stream()) {
      rows += part.length;
      last = part.at(-1).json();
      if (rows >= most) break;
    }
    return { rows, last };
  },
  async insert(client, { table, rows, format = 'JSONEachRow', columns, streamed = false }) {
    const values = streamed ? Readable.from(rows, { objectMode: true }) : rows;
    const done = await client.insert({ table, values, format, columns });
    return { executed: done.executed, written: done.summary?.written_rows };
  },
  async command(client, { sql }) {
    await client.command({ query: sql });
    return true;
  },
  async aborted(client, { sql, after }) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), after);
    return (await client.query({ query: sql, abort_signal: stop.signal })).text();
  },
};

async function answer({ as, password, do: verb, options = {}, ...given }) {
  const client = createClient({ url, username: as, password: password ?? accounts[as], database: 'audit', ...options });
  try {
    return { value: await VERBS[verb](client, given) };
  } catch (error) {
    const { code, type, message } = error;
    return { error: { kind: error.constructor.name, code, type, message } };
  } finally {
    await client.close();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
