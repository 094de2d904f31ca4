// Checks a file against the JSON schema of speedscope, and prints as JSON what is wrong: node schema.mjs FILE.

import { readFileSync } from "node:fs";
import Ajv from "ajv";

const schema = new URL("node_modules/speedscope/dist/release/file-format-schema.json", import.meta.url);
const validate = new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(readFileSync(schema, "utf8")));
validate(JSON.parse(readFileSync(process.argv[2], "utf8")));
const errors = (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
process.stdout.write(JSON.stringify({ errors: errors.slice(0, 10) }));
