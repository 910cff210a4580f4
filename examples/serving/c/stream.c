/* Generates audio with an exported WaveNet, chunk by chunk, through TensorFlow's C API.
 *
 *   stream MODEL NUM_SAMPLES CHUNK_SAMPLES SEED [times] > audio.f32
 *
 * writes raw float32 samples and, if asked, the milliseconds that each chunk took to standard error (play: ffplay -f
 * f32le -ar 16000 audio.f32). For models without conditions. Build and run: see ../README.md.
 */
#include "saved_model.h"

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6 || (argc == 6 && strcmp(argv[5], "times")))
    fail("arguments", "expected MODEL NUM_SAMPLES CHUNK_SAMPLES SEED [times]");
  const long num_samples = read_count("NUM_SAMPLES", argv[2], 0);
  const long chunk_samples = read_count("CHUNK_SAMPLES", argv[3], 1);
  const int64_t seed = read_count("SEED", argv[4], 0);

  Model model = load(argv[1]);
  const int32_t one_row = 1, no_top_k = 0;
  const float temperature = 1, no_top_p = 1;
  Named request = {"batch_size", scalar(TF_INT32, &one_row, sizeof one_row)};
  Named state[] = {{"state_queues", NULL}, {"state_stream", NULL}};
  run(&model, "initial_state", &request, 1, state, 2);
  TF_DeleteTensor(request.tensor);

  Named in[] = {{"seed", scalar(TF_INT64, &seed, sizeof seed)},
                {"temperature", scalar(TF_FLOAT, &temperature, sizeof temperature)},
                {"top_k", scalar(TF_INT32, &no_top_k, sizeof no_top_k)},
                {"top_p", scalar(TF_FLOAT, &no_top_p, sizeof no_top_p)},
                {"num_samples", NULL},
                {"state_queues", NULL},
                {"state_stream", NULL}};
  for (long made = 0; made < num_samples;) {
    const int32_t n = (int32_t)(num_samples - made < chunk_samples ? num_samples - made : chunk_samples);
    in[4].tensor = scalar(TF_INT32, &n, sizeof n);
    in[5].tensor = state[0].tensor;
    in[6].tensor = state[1].tensor;
    Named out[] = {{"waveform", NULL}, {"new_state_queues", NULL}, {"new_state_stream", NULL}};
    struct timespec start, end;
    timespec_get(&start, TIME_UTC);
    run(&model, "generate_chunk", in, 7, out, 3);
    timespec_get(&end, TIME_UTC);
    if (argc == 6)
      fprintf(stderr, "%.3f\n", 1e3 * (double)(end.tv_sec - start.tv_sec) + 1e-6 * (double)(end.tv_nsec - start.tv_nsec));
    if (fwrite(TF_TensorData(out[0].tensor), sizeof(float), (size_t)n, stdout) != (size_t)n || fflush(stdout))
      fail("standard output", "expected to be writable");
    made += n;
    for (int i = 4; i < 7; ++i) TF_DeleteTensor(in[i].tensor);
    TF_DeleteTensor(out[0].tensor);
    state[0].tensor = out[1].tensor;
    state[1].tensor = out[2].tensor;
  }

  for (int i = 0; i < 4; ++i) TF_DeleteTensor(in[i].tensor);
  for (int i = 0; i < 2; ++i) TF_DeleteTensor(state[i].tensor);
  unload(&model);
  return 0;
}
