/* What the clients share: a SavedModel through TensorFlow's C API, its tensors by the names of its signatures.
 *
 * What TensorFlow names the tensors of a signature stands in the model's MetaGraphDef, a protocol buffer, of which the
 * few fields that matter are read here.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tensorflow/c/c_api.h>

#define MAX_TENSORS 16

static void fail(const char* what, const char* why) {
  fprintf(stderr, "error: %s: %s\n", what, why);
  exit(2);
}

/* --- Protocol buffers: a message is a sequence of (field number, wire type, value). */

typedef struct {
  const uint8_t* data;
  const uint8_t* end;
} Bytes;

static uint64_t read_varint(Bytes* from) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && from->data < from->end; shift += 7) {
    const uint8_t byte = *from->data++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  fail("MetaGraphDef", "expected a whole protocol buffer");
  return 0;
}

/* Moves to the next field that holds bytes; returns its number, 0 at the end of the message. */
static int next_field(Bytes* message, Bytes* value) {
  while (message->data < message->end) {
    const uint64_t key = read_varint(message);
    uint64_t length = 0;
    switch (key & 7) {
      case 0: read_varint(message); break;
      case 1: length = 8; break;
      case 2: length = read_varint(message); break;
      case 5: length = 4; break;
      default: fail("MetaGraphDef", "expected wire types 0, 1, 2 and 5");
    }
    if (length > (uint64_t)(message->end - message->data)) fail("MetaGraphDef", "expected a whole protocol buffer");
    value->data = message->data;
    message->data += length;
    value->end = message->data;
    if ((key & 7) == 2) return (int)(key >> 3);
  }
  return 0;
}

static int is(Bytes text, const char* expected) {
  const size_t length = (size_t)(text.end - text.data);
  return length == strlen(expected) && !memcmp(text.data, expected, length);
}

/* An entry of a map has its key in field 1 and its value in field 2. */
static int find_in_map(Bytes message, int field, const char* name, Bytes* found) {
  Bytes entry, part;
  for (int number; (number = next_field(&message, &entry));) {
    if (number != field) continue;
    Bytes key = {0, 0}, value = {0, 0};
    for (int which; (which = next_field(&entry, &part));) *(which == 1 ? &key : &value) = part;
    if (is(key, name)) {
      *found = value;
      return 1;
    }
  }
  return 0;
}

/* --- The model. */

typedef struct {
  TF_Graph* graph;
  TF_Session* session;
  TF_Buffer* meta_graph;
} Model;

typedef struct {
  const char* name;
  TF_Tensor* tensor;
} Named;

static Model load(const char* folder) {
  TF_Status* status = TF_NewStatus();
  TF_SessionOptions* options = TF_NewSessionOptions();
  Model model = {TF_NewGraph(), NULL, TF_NewBuffer()};
  const char* tags[] = {"serve"};
  model.session = TF_LoadSessionFromSavedModel(options, NULL, folder, tags, 1, model.graph, model.meta_graph, status);
  if (TF_GetCode(status) != TF_OK) fail(folder, TF_Message(status));
  TF_DeleteSessionOptions(options);
  TF_DeleteStatus(status);
  return model;
}

static void unload(Model* model) {
  TF_Status* status = TF_NewStatus();
  TF_CloseSession(model->session, status);
  TF_DeleteSession(model->session, status);
  TF_DeleteGraph(model->graph);
  TF_DeleteBuffer(model->meta_graph);
  TF_DeleteStatus(status);
}

/* MetaGraphDef.signature_def (5) -> SignatureDef.inputs (1) or .outputs (2) -> TensorInfo (name: 1, "operation:index"). */
static int find_info(const Model* model, const char* signature, int field, const char* name, Bytes* info) {
  const uint8_t* start = model->meta_graph->data;
  Bytes meta_graph = {start, start + model->meta_graph->length}, definition;
  if (!find_in_map(meta_graph, 5, signature, &definition)) fail(signature, "expected a signature of the model");
  return find_in_map(definition, field, name, info);
}

static TF_Output find_tensor(const Model* model, const char* signature, int field, const char* name) {
  Bytes info, text;
  if (!find_info(model, signature, field, name, &info)) fail(name, "expected an input or output of the signature");
  for (int number; (number = next_field(&info, &text));) {
    if (number != 1) continue;
    char operation[256];
    snprintf(operation, sizeof operation, "%.*s", (int)(text.end - text.data), (const char*)text.data);
    char* colon = strrchr(operation, ':');
    if (!colon) break;
    *colon = 0;
    TF_Output output = {TF_GraphOperationByName(model->graph, operation), atoi(colon + 1)};
    if (output.oper) return output;
  }
  fail(name, "expected a tensor of the graph");
  exit(2);
}

/* Runs a signature; the caller deletes the outputs. */
static void run(const Model* model, const char* signature, const Named* in, int num_in, Named* out, int num_out) {
  TF_Output inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  TF_Tensor *fed[MAX_TENSORS], *fetched[MAX_TENSORS];
  for (int i = 0; i < num_in; ++i) inputs[i] = find_tensor(model, signature, 1, in[i].name), fed[i] = in[i].tensor;
  for (int i = 0; i < num_out; ++i) outputs[i] = find_tensor(model, signature, 2, out[i].name);
  TF_Status* status = TF_NewStatus();
  TF_SessionRun(model->session, NULL, inputs, fed, num_in, outputs, fetched, num_out, NULL, 0, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(signature, TF_Message(status));
  TF_DeleteStatus(status);
  for (int i = 0; i < num_out; ++i) out[i].tensor = fetched[i];
}

static TF_Tensor* scalar(TF_DataType type, const void* value, size_t size) {
  TF_Tensor* tensor = TF_AllocateTensor(type, NULL, 0, size);
  memcpy(TF_TensorData(tensor), value, size);
  return tensor;
}

static long read_count(const char* name, const char* text, long least) {
  char* end;
  const long value = strtol(text, &end, 10);
  if (*end || end == text || value < least) fail(name, "expected a number in range");
  return value;
}
