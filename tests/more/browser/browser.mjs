// Chromium for the tests, one command a line on standard input: {"do": verb, …}; each is answered by {"ok": value} or
// {"failed": text}. Elements are found as a person finds them: by role and name, by label, by text.
import { mkdtemp, rm, readFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const data = await mkdtemp(join(tmpdir(), "exeat-browser-"));
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
const context = await chromium.launchPersistentContext(data, { executablePath: given.chromium, headless: true, args: flags,
  viewport: { width: 1280, height: 900 } });
context.setDefaultTimeout(15000);
const page = context.pages()[0] ?? await context.newPage();
const cdp = await context.newCDPSession(page);
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });

const find = (at) => {
  if (at.label) return page.getByLabel(at.label, { exact: at.exact ?? false }).first();
  if (at.role) return page.getByRole(at.role, { name: at.name, exact: at.exact ?? false }).first();
  if (at.css) return page.locator(at.css).first();
  return page.getByText(at.text).first();
};
const verbs = {
  go: async ({ url }) => { const answer = await page.goto(url, { waitUntil: "load" }); return answer.status(); },
  click: async (at) => { await find(at).click(); await page.waitForLoadState("load"); },
  fill: async (at) => find(at).fill(at.value),
  choose: async (at) => { await find(at).selectOption(at.value); },
  press: async ({ key }) => page.keyboard.press(key),
  see: async (at) => { await find(at).waitFor({ state: "visible" }); },
  gone: async (at) => { await find(at).waitFor({ state: "hidden" }); },
  text: async (at) => find(at).innerText(),
  count: async ({ css }) => page.locator(css).count(),
  url: async () => page.url(),
  evaluate: async ({ code }) => page.evaluate(code),
  look: async ({ scheme, width }) => { await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" }); await page.setViewportSize({ width, height: 900 }); },
  shot: async ({ path }) => { await mkdir(dirname(path), { recursive: true }); await page.screenshot({ path, fullPage: true }); },
  axe: async () => {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
    return found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + " | " + node.any.concat(node.all).map((check) => check.message).join(", ").slice(0, 200)).join(" ; ")}`);
  },
  wide: async () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  complaints: async () => complaints.splice(0),
  forget: async () => context.clearCookies(),
  // a security key that is there, whose owner has just entered its PIN; `verified` says whether they still do
  authenticator: async () => {
    await cdp.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "usb", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
    return authenticatorId;
  },
  verified: async ({ id, is }) => { await cdp.send("WebAuthn.setUserVerified", { authenticatorId: id, isUserVerified: is }); },
  unplug: async ({ id }) => { await cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: id }); },
};

const answer = (value) => process.stdout.write(JSON.stringify(value) + "\n");
answer({ ok: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  const { do: verb, ...rest } = JSON.parse(line);
  try { answer({ ok: (await verbs[verb](rest)) ?? null }); } catch (error) { answer({ failed: String(error).slice(0, 1500) }); }
}
await context.close();
await rm(data, { recursive: true, force: true });
