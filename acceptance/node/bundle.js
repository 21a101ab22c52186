// Scripts of tests for browsers.

import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

/** A module of this folder with all that it imports, as one script. */
export async function bundle(name) {
  const { outputFiles: [script] } = await build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  });
  return script.contents;
}
