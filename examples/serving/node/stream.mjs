// Generates audio with an exported WaveNet in Node: node stream.mjs MODEL NUM_SAMPLES CHUNK_SAMPLES SEED > audio.f32
// writes raw float32 samples. For models without conditions.
import * as tf from '@tensorflow/tfjs-node';

const [folder, ...numbers] = process.argv.slice(2);
const [numSamples, chunkSamples, seed] = numbers.map(Number);
if (numbers.length !== 3 || ![numSamples, chunkSamples - 1, seed].every((n) => Number.isInteger(n) && n >= 0)) {
  console.error('error: expected MODEL NUM_SAMPLES CHUNK_SAMPLES SEED');
  process.exit(2);
}

const load = (signature) => tf.node.loadSavedModel(folder, ['serve'], signature);
const [start, next] = [await load('initial_state'), await load('generate_chunk')];

// int64 inputs are given as int32 tensors.
let state = start.predict({ batch_size: tf.scalar(1, 'int32') });
for (let made = 0; made < numSamples; ) {
  const n = Math.min(chunkSamples, numSamples - made);
  const request = {
    num_samples: tf.scalar(n, 'int32'),
    seed: tf.scalar(seed, 'int32'),
    temperature: tf.scalar(1),
    top_k: tf.scalar(0, 'int32'),
    top_p: tf.scalar(1),
    ...state,
  };
  const { waveform, new_state_queues, new_state_stream } = next.predict(request);
  process.stdout.write(Buffer.from(Float32Array.from(await waveform.data()).buffer));
  tf.dispose([request, waveform]);
  state = { state_queues: new_state_queues, state_stream: new_state_stream };
  made += n;
}
