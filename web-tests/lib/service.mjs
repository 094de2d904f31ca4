// Starts the services that the tests visit, and ends them.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { after } from "node:test";

/** The login that may change something, and the login that may only read. */
export const OPS = { username: "ops", password: "jumbled-otters-sip-cold-tea" };
export const GUEST = { ...OPS, username: "guest" };

/** The services that run each example: the page is at `/debug/memory`, on live data. */
export const EXAMPLES = ["axum-service", "actix-web-service", "tower-hyper-service"];

/** The path of the page for each place where the fixture can mount it. */
export const MOUNTS = {
  base: "/debug/memory",
  nest: "/internal/debug/memory",
  "two-nests": "/a/b/debug/memory",
  path: "/ops/heap",
};

/** A running service. It ends after the tests of its file. */
export class Service {
  /** @param {string} origin @param {string} path @param {import("node:child_process").ChildProcess} process */
  constructor(origin, path, process) {
    this.origin = origin;
    this.base = origin + path;
    this.process = process;
  }

  /** Asks or changes how the fixture collects. Returns its count of collections. */
  async control(change = undefined) {
    const reply = await fetch(`${this.origin}/control`, { method: "POST", body: change && JSON.stringify(change) });
    if (!reply.ok) throw new Error(`${reply.status}: ${await reply.text()}`);
    return /** @type {{collections: number}} */ (await reply.json()).collections;
  }

  /** Sends a request as a program would. */
  async ask(path, options = {}) {
    const authorization = `Basic ${btoa(`${OPS.username}:${OPS.password}`)}`;
    return fetch(this.base + path, { ...options, headers: { authorization, ...options.headers } });
  }

  end() {
    this.process.kill("SIGKILL");
  }
}

/** Runs a program of the workspace until the tests of the file have ended. */
export async function start(program, { path = "/debug/memory", args = [], env = {} } = {}) {
  const folder = process.env.PROGRAMS;
  if (!folder) throw new Error("PROGRAMS is not set; run the tests with scripts/browser");
  const login = { MEMORY_DEBUG_USER: OPS.username, MEMORY_DEBUG_PASSWORD: OPS.password };
  const child = spawn(`${folder}/${program}`, args, {
    env: { ...process.env, BIND: "127.0.0.1:0", ...login, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  after(() => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) {
    const found = line.match(/^listening on (http:\/\/\S+)$/);
    if (found) {
      child.stdout.resume();
      return new Service(found[1], path, child);
    }
  }
  throw new Error(`${program} ended before it listened`);
}

/** Runs this many processes of the fixture that find each other, all with these settings. */
export async function siblings(count, settings = {}) {
  const folder = mkdtempSync(`${tmpdir()}/memory-debug-`);
  after(() => rmSync(folder, { recursive: true }));
  const services = [];
  for (let number = 0; number < count; number++) services.push(await fixture({ ...settings, siblings: `${folder}/fleet` }));
  // A process can be found after its first request at the latest.
  await Promise.all(services.map((service) => service.ask("/instance")));
  return services;
}

/** Runs the fixture with these settings, see `fixture/src/settings.rs`. */
export function fixture(settings = {}) {
  return start("web-fixture", {
    path: MOUNTS[settings.mount ?? "base"],
    env: { FIXTURE: JSON.stringify(settings) },
  });
}
