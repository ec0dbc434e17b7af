// SPDX-License-Identifier: Apache-2.0
// A runner for .onnx classifiers (docs/RUNNERS.md) with npm's onnxruntime-node. The model has one
// input of 1 x channels x height x width floats, which are the pixels divided by 255, and one
// output of a probability a class, as those of examples/fashion have.
'use strict';
const readline = require('readline');
const ort = require('onnxruntime-node');

let session = null;

const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');

async function infer(pixels, channels, height, width) {
  const plane = width * height;
  const input = new Float32Array(channels * plane);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < plane; i++) {
      input[c * plane + i] = pixels[i * channels + c] / 255;
    }
  }
  const tensor = new ort.Tensor('float32', input, [1, channels, height, width]);
  const outputs = await session.run({[session.inputNames[0]]: tensor});
  return Array.from(outputs[session.outputNames[0]].data);
}

async function load(model) {
  try {
    session = await ort.InferenceSession.create(model.path);
    // Self-test: one black picture of the example's size through the whole graph.
    const probabilities = await infer(new Uint8Array(28 * 28), 1, 28, 28);
    if (!probabilities.every(Number.isFinite)) {
      throw new Error('the probabilities of a black picture are not finite');
    }
    say({ready: true, classes: probabilities.length});
  } catch (error) {
    say({error: String(error.message)});
  }
}

async function answer(frame) {
  try {
    const pixels = Buffer.from(frame.pixels, 'base64');
    const from = process.hrtime.bigint();
    const probabilities = await infer(pixels, frame.channels, frame.height, frame.width);
    const latency = Number((process.hrtime.bigint() - from) / 1000n);
    const best = probabilities.indexOf(Math.max(...probabilities));
    say({frame: frame.frame, class: best, confidence: Math.min(1, probabilities[best]),
      probabilities: probabilities.map((p) => Math.min(1, p)), latency_us: latency});
  } catch (error) {
    say({frame: frame.frame, error: String(error.message)});
  }
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    const message = JSON.parse(line);
    await (message.model ? load(message.model) : answer(message));
  }
})();
