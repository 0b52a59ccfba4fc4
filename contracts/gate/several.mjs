// node several.mjs <tool> <runs.json> <codes.json>: runs a command line tool several times in one process, since most
// of a short run is its start. `runs.json` has the arguments of each run; `codes.json` gets their exit codes.

import { readFileSync, writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';

const [node, , tool, runs, codes] = process.argv;
const asked = JSON.parse(readFileSync(runs, 'utf8'));
const exit = process.exit;
const ended = [];

// The tool is done when it ends the process. A module with another query is another module, so it begins anew.
process.exit = (code) => {
  ended.push(code);
  if (ended.length < asked.length) return void next();
  writeFileSync(codes, JSON.stringify(ended));
  exit(0);
};

function next() {
  process.argv = [node, tool, ...asked[ended.length]];
  return import(`${pathToFileURL(tool)}?run=${ended.length}`);
}

enableCompileCache();
await next();
