/* Speaks mels with an exported vocoder, a parallel one or a WaveNet, through TensorFlow's C API.
 *
 *   speak MODEL CHANNELS SAMPLES_PER_FRAME SEED [TEMPERATURE] < mels.f32 > audio.f32
 *
 * reads raw float32 mels, a frame of CHANNELS numbers after the other, and writes raw float32 samples. Channels and
 * samples of a frame: num_mels and hop_length in MODEL/assets.extra/mel_spec.json. Build and run: see ../README.md.
 */
#include "saved_model.h"

#define MAX_FRAMES 100000

static int takes(const Model* model, const char* input) {
  Bytes info;
  return find_info(model, "generate", 1, input, &info);
}

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6) fail("arguments", "expected MODEL CHANNELS SAMPLES_PER_FRAME SEED [TEMPERATURE]");
  const long channels = read_count("CHANNELS", argv[2], 1), hop = read_count("SAMPLES_PER_FRAME", argv[3], 1);
  const int64_t seed = read_count("SEED", argv[4], 0);
  const float temperature = argc == 6 ? strtof(argv[5], NULL) : 1.0f, no_top_p = 1;
  const size_t frame = sizeof(float) * (size_t)channels;

  char* mels = malloc(frame * MAX_FRAMES + 1);
  if (!mels) fail("mels", "expected memory for them");
  const size_t size = fread(mels, 1, frame * MAX_FRAMES + 1, stdin);
  if (!size || size % frame || size > frame * MAX_FRAMES) fail("mels", "expected 1 to 100000 frames of CHANNELS floats");
  const int64_t shape[] = {1, (int64_t)(size / frame), channels};
  const int32_t num_samples = (int32_t)(shape[1] * hop), one_row = 1, no_top_k = 0;

  Model model = load(argv[1]);
  TF_Tensor* features = TF_AllocateTensor(TF_FLOAT, shape, 3, size);
  memcpy(TF_TensorData(features), mels, size);
  free(mels);
  Named in[MAX_TENSORS] = {{"local_condition", features}};
  int inputs = 1;
  if (takes(&model, "seed")) in[inputs++] = (Named){"seed", scalar(TF_INT64, &seed, sizeof seed)};
  if (takes(&model, "num_samples")) {
    in[inputs++] = (Named){"num_samples", scalar(TF_INT32, &num_samples, sizeof num_samples)};
    in[inputs++] = (Named){"batch_size", scalar(TF_INT32, &one_row, sizeof one_row)};
    in[inputs++] = (Named){"temperature", scalar(TF_FLOAT, &temperature, sizeof temperature)};
    in[inputs++] = (Named){"top_k", scalar(TF_INT32, &no_top_k, sizeof no_top_k)};
    in[inputs++] = (Named){"top_p", scalar(TF_FLOAT, &no_top_p, sizeof no_top_p)};
  } else if (argc == 6) {
    fail("TEMPERATURE", "expected a WaveNet, which draws its samples");
  }
  Named out[] = {{"waveform", NULL}};
  run(&model, "generate", in, inputs, out, 1);
  const size_t samples = TF_TensorByteSize(out[0].tensor) / sizeof(float);
  if (fwrite(TF_TensorData(out[0].tensor), sizeof(float), samples, stdout) != samples || fflush(stdout))
    fail("standard output", "expected to be writable");
  for (int i = 0; i < inputs; ++i) TF_DeleteTensor(in[i].tensor);
  TF_DeleteTensor(out[0].tensor);
  unload(&model);
  return 0;
}
