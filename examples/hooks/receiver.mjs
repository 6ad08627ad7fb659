// A site that listens to a kaltura-mirror hook: it verifies each delivery and keeps a file an entry.
//
// Node's standard library only. To try it:
//
//     WEBHOOK_SECRET=whsec_... node receiver.mjs 8000 site/
//
// The secret is the hook's, in script_config.toml. While it is being exchanged, give both, with a space between.

import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const secrets = process.env.WEBHOOK_SECRET.split(" ").map((text) => Buffer.from(text.replace(/^whsec_/, ""), "base64"));
const site = process.argv[3] ?? "site";
const toleranceSeconds = 5 * 60;
const bodyMaxBytes = 1 << 20;

/** Whether one of our secrets signed exactly these bytes, lately. */
function isGenuine(headers, body) {
  const [id, timestamp, given] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`] ?? "");
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) {
    return false;
  }
  const expected = secrets.map((secret) => {
    const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest("base64");
    return Buffer.from(`v1,${signature}`);
  });
  const texts = given.split(" ").map((text) => Buffer.from(text));
  return expected.some((one) => texts.some((text) => text.length === one.length && timingSafeEqual(text, one)));
}

/** Does what a delivery asks for. The same delivery may come twice: what it did stays done. */
function take(delivery, event) {
  const seen = join(site, "seen", delivery.replaceAll(/\W/g, "_"));
  if (existsSync(seen)) {
    return;
  }
  if (event.type.startsWith("entry.")) {
    const page = join(site, "entries", `${event.data.id.replaceAll(/\W/g, "_")}.json`);
    if (event.type === "entry.removed") {
      rmSync(page, { force: true });
    } else {
      // Your code here: whatever the site does with an entry.
      writeFileSync(`${page}.new`, JSON.stringify(event.data.entry));
      renameSync(`${page}.new`, page);
    }
  }
  // Any other type, such as "test", asks for nothing.
  writeFileSync(seen, "");
}

async function receive(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > bodyMaxBytes) {
      return 413;
    }
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (request.method !== "POST" || !isGenuine(request.headers, body)) {
    return 401;
  }
  take(request.headers["webhook-id"], JSON.parse(body));
  return 204;
}

for (const folder of ["entries", "seen"]) {
  mkdirSync(join(site, folder), { recursive: true });
}
const server = createServer(async (request, response) => {
  try {
    response.writeHead(await receive(request));
  } catch (error) {
    // Anything but 2xx is tried again later.
    console.error(`${request.headers["webhook-id"]}: ${error}`);
    response.writeHead(500);
  }
  response.end();
});
server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  console.log(`listening at http://127.0.0.1:${server.address().port}/`);
});
