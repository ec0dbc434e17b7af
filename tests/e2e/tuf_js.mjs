// SPDX-License-Identifier: Apache-2.0
// The commands of test_tuf_js.sh: a stock client, the way its users call it.
//   tuf_js.mjs MODULES SERVER METADATA_DIR TARGET_DIR refresh|PATH
// Prints where the target is, or the name of the error, and ends with 1.
import { createRequire } from 'node:module';
const [modules, server, metadataDir, targetDir, what] = process.argv.slice(2);
const { Updater } = createRequire(`${modules}/`)('tuf-js');

try {
    const updater = new Updater({
        metadataDir,
        metadataBaseUrl: `${server}/tuf/metadata`,
        targetDir,
        targetBaseUrl: `${server}/tuf/targets`,
        config: { fetchRetries: 0 },
    });
    await updater.refresh();
    if (what !== 'refresh') {
        const target = await updater.getTargetInfo(what);
        if (!target) {
            throw new RangeError(`nobody lists ${what}`);
        }
        console.log(await updater.downloadTarget(target, `${targetDir}/got`));
    }
} catch (error) {
    console.log(`${error.constructor.name}: ${error.message}`);
    process.exitCode = 1;
}
