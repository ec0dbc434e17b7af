// SPDX-License-Identifier: Apache-2.0
// Runs an ONNX file with ONNX Runtime for some seconds, one thread, sequential, and prints one line
// of JSON as bench_nn does:  node nn_onnxruntime.js FILE SECONDS
'use strict';
const ort = require(process.env.MUSTER_ORT || 'onnxruntime-node');

function peakKb() {
  return process.resourceUsage().maxRSS;
}

async function main() {
  const [path, seconds] = [process.argv[2], Number(process.argv[3])];
  const before = peakKb();
  const began = process.hrtime.bigint();
  const session = await ort.InferenceSession.create(path, {
    executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1,
    executionMode: 'sequential', graphOptimizationLevel: 'all',
  });
  const load = Number(process.hrtime.bigint() - began) / 1e6;
  const name = session.inputNames[0];
  const dims = process.argv[4].split('x').map(Number);
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  for (let k = 0; k < values.length; k++) {
    values[k] = (Math.imul(k, 2654435761) >>> 24) / 255;
  }
  const times = [];
  const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  while (process.hrtime.bigint() < end || times.length === 0) {
    const feed = {[name]: new ort.Tensor('float32', values, dims)};
    const from = process.hrtime.bigint();
    await session.run(feed);
    times.push(Number(process.hrtime.bigint() - from) / 1e6);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({load_ms: load, min_ms: times[0],
    median_ms: times[times.length >> 1], runs: times.length, peak_kb: peakKb(),
    own_kb: peakKb() - before}));
}

main();
