/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <muster/nn.h>

#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/model_needs.h"
#include "cli/output.h"
#include "cli/publisher.h"
#include "cli/push.h"
#include "repo/publish.h"
#include "repo/transports.h"
#include "tuf/json.h"

enum { DELTAS_DEFAULT = 3 };

static const size_t ARTIFACT_BYTES_MAX = (size_t)2 << 30;
static const char MNET_EXT[] = "mnet";

/* The first runtime that has every feature and operator of format mnet/1 so far. */
static const char MNET_1_RUNTIME[] = "0.1.0";

/* Everything that the command line says. */
struct request {
    struct publisher publisher;
    struct connection connection;
    struct output output;
    const char *file;
    const char *model;
    const char *version;
    const char *variant;
    const char *on_revoke;
    struct model_needs needs;
    int64_t seq;
    int64_t floor;
    int64_t deltas;
    bool no_push;
};

/* What came of it, here. */
struct published {
    struct publish_result result;
    bool complete; /* signed by everybody who has to */
};

static void request_wipe(struct request *request)
{
    publisher_wipe(&request->publisher);
}

static void close_model(struct muster_nn_model **model)
{
    muster_nn_close(*model);
}

static void free_context(struct muster_nn_context **context)
{
    muster_nn_context_free(*context);
}

static void free_memory(void **memory)
{
    free(*memory);
}

static enum status set_nn(const char *file, const struct muster_nn_error *error,
                          struct err *err)
{
    static const enum status codes[] = {
        [MUSTER_NN_IO] = ERR_IO,
        [MUSTER_NN_NO_MEMORY] = ERR_NO_MEMORY,
        [MUSTER_NN_INVALID] = ERR_MNET_INVALID,
        [MUSTER_NN_UNSUPPORTED] = ERR_MNET_UNSUPPORTED,
        [MUSTER_NN_LIMIT] = ERR_LIMIT,
        [MUSTER_NN_ARGUMENT] = ERR_INVALID_ARGUMENT,
        [MUSTER_NN_SELFTEST] = ERR_MNET_SELFTEST,
    };
    return err_set(err, codes[error->status], "'%s': %s", file, error->detail);
}

/* ---- what a model file says of itself ---- */

static json_t *describe_input(const struct muster_nn_model *model)
{
    struct muster_nn_tensor tensor;
    struct muster_nn_preprocess preprocess;
    if (muster_nn_describe_input(model, 0, &tensor, &preprocess) != MUSTER_NN_OK) {
        return NULL;
    }
    json_t *shape = json_array();
    for (uint32_t i = 0; i < tensor.rank; i++) {
        (void)json_array_append_new(shape, json_integer(tensor.dims[i]));
    }
    return json_pack("{s:o, s:s}", "shape", shape, "dtype",
                     preprocess.content == MUSTER_NN_IMAGE ? "u8" : "f32");
}

static json_t *describe_classes(const struct muster_nn_model *model)
{
    json_t *classes = json_array();
    for (size_t i = 0; i < muster_nn_class_count(model); i++) {
        (void)json_array_append_new(classes, json_string(muster_nn_class_name(model, i)));
    }
    return classes;
}

static void add_accuracy(const struct muster_nn_model *model, json_t *custom)
{
    const char *ppm = muster_nn_meta(model, "test.accuracy.ppm");
    int64_t value = 0;
    if (ppm && option_integer(ppm, &value)) {
        (void)json_object_set_new(custom, "metrics_ppm",
                                  json_pack("{s:I}", "top1", (json_int_t)value));
    }
}

/* Sets the members that follow from the file; those on the command line came first. */
static enum status add_description(const struct muster_nn_model *model, json_t *custom,
                                   struct err *err)
{
    struct muster_nn_abilities needs = muster_nn_needs(model);
    char format[16];
    char ops[2 * MUSTER_NN_OP_SET_BYTES + 1];
    const char *task = muster_nn_meta(model, "task");
    (void)snprintf(format, sizeof format, "mnet/%u", (unsigned)needs.major);
    hex_encode(needs.op_set, sizeof needs.op_set, ops);
    JSON_AUTO *found = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "format", format, "runtime_min",
        MNET_1_RUNTIME, "task", task ? task : "classify", "ops", ops, "features",
        (json_int_t)needs.features, "ram_bytes", (json_int_t)muster_nn_arena_bytes(model),
        "input", describe_input(model));
    if (!found) {
        return err_set(err, ERR_NO_MEMORY, "no memory to describe the model");
    }
    if (muster_nn_class_count(model) > 0) {
        (void)json_object_set_new(found, "classes", describe_classes(model));
    }
    add_accuracy(model, found);
    return json_object_update_missing(custom, found) == 0
               ? OK
               : err_set(err, ERR_NO_MEMORY, "no memory to describe the model");
}

/* A file that fails its own self-test is not signed. */
static enum status inspect_mnet(const char *file, const struct buf *data, json_t *custom,
                                struct err *err)
{
    size_t room = (data->len + MUSTER_NN_ALIGNMENT) & ~(size_t)(MUSTER_NN_ALIGNMENT - 1);
    __attribute__((cleanup(free_memory))) void *aligned =
        aligned_alloc(MUSTER_NN_ALIGNMENT, room);
    __attribute__((cleanup(close_model))) struct muster_nn_model *model = NULL;
    __attribute__((cleanup(free_context))) struct muster_nn_context *context = NULL;
    struct muster_nn_error error = {0};
    if (!aligned) {
        return err_set(err, ERR_NO_MEMORY, "no memory for '%s'", file);
    }
    memcpy(aligned, data->data, data->len);
    if (muster_nn_open_memory(aligned, data->len, NULL, &model, &error) != MUSTER_NN_OK ||
        muster_nn_context_new(model, &context, &error) != MUSTER_NN_OK ||
        muster_nn_verify(context, NULL, &error) != MUSTER_NN_OK) {
        return set_nn(file, &error, err);
    }
    return add_description(model, custom, err);
}

/* ---- publishing ---- */

static const char *extension_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *dot = strrchr(slash ? slash : file, '.');
    return dot ? dot + 1 : "";
}

static enum status describe(const struct request *request, const struct buf *data,
                            json_t *custom, struct err *err)
{
    const char *ext = extension_of(request->file);
    if (request->on_revoke) {
        (void)json_object_set_new(custom, "on_revoke", json_string(request->on_revoke));
    }
    enum status status = model_needs_add(&request->needs, custom, err);
    if (status == OK && strcmp(ext, MNET_EXT) != 0) {
        return model_needs_add_foreign(&request->needs, ext, custom, err);
    }
    if (status == OK) {
        status = model_needs_check_native(&request->needs, err);
    }
    return status == OK ? inspect_mnet(request->file, data, custom, err) : status;
}

static enum status sign(struct request *request, struct repository *repository,
                        const struct buf *data, struct published *published,
                        struct err *err)
{
    DRAFT_AUTO draft = {0};
    JSON_AUTO *custom = json_object();
    struct publish_order order = {.model = request->model,
                                  .version = request->version,
                                  .variant = request->variant,
                                  .ext = extension_of(request->file),
                                  .data = data->data,
                                  .len = data->len,
                                  .seq = request->seq,
                                  .floor = request->floor,
                                  .deltas = request->deltas,
                                  .described = custom};
    enum status status = describe(request, data, custom, err);
    if (status == OK) {
        status = publisher_draft(&request->publisher, repository, &draft, err);
    }
    if (status == OK) {
        status = publish_model(&draft, &order, &published->result, err);
    }
    return status == OK
               ? publisher_finish(&request->publisher, &draft, &published->complete, err)
               : status;
}

/* A server that is named, on the command line or in the environment, is pushed to. */
static bool wants_push(const struct request *request)
{
    const char *server = request->connection.server;
    server = server ? server : getenv("MUSTER_SERVER");
    return !request->no_push && server && server[0] != '\0';
}

static enum status publish(struct request *request, json_t **ret_answer, struct err *err)
{
    REPOSITORY_AUTO repository = {.lock_fd = -1};
    BUF_AUTO data = BUF_INIT(ARTIFACT_BYTES_MAX);
    JSON_AUTO *pushed = NULL;
    struct published published = {0};
    struct publish_result *result = &published.result;
    char digest[2 * sizeof result->sha256 + 1];
    enum status status = publisher_open(&request->publisher, &repository, err);
    if (status == OK) {
        status = file_read(request->file, &data, err);
    }
    if (status == OK && data.len == 0) {
        status = err_set(err, ERR_INVALID_ARGUMENT, "'%s' is empty", request->file);
    }
    if (status == OK) {
        status = sign(request, &repository, &data, &published, err);
    }
    if (status == OK && published.complete && wants_push(request)) {
        status = push_repository(&request->connection, &repository, false, &pushed, err);
        err_prefix(err, "signed as seq %lld, but not pushed ('muster repo push' goes on)",
                   (long long)result->seq);
    }
    if (status != OK) {
        return status;
    }
    hex_encode(result->sha256, sizeof result->sha256, digest);
    *ret_answer = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "model",
        request->model, "version", request->version, "seq", (json_int_t)result->seq,
        "variant", request->variant, "artifact", digest, "length", (json_int_t)data.len,
        "transport_length", (json_int_t)result->transport_bytes, "deltas",
        (json_int_t)result->deltas, "delta_length", (json_int_t)result->delta_bytes,
        "targets_version", (json_int_t)result->targets_version, "signed",
        published.complete, "pushed", pushed != NULL);
    return *ret_answer ? OK : err_set(err, ERR_NO_MEMORY, "no memory");
}

static int print_answer(const struct request *request, const json_t *answer)
{
    static const struct column columns[] = {
        {"model", "model", CELL_PLAIN},
        {"version", "version", CELL_PLAIN},
        {"seq", "seq", CELL_PLAIN},
        {"variant", "variant", CELL_PLAIN},
        {"artifact", "artifact", CELL_PLAIN},
        {"bytes", "length", CELL_PLAIN},
        {"compressed", "transport_length", CELL_PLAIN},
        {"deltas", "deltas", CELL_PLAIN},
        {"shortest delta", "delta_length", CELL_PLAIN},
        {"targets version", "targets_version", CELL_PLAIN},
        {"signed", "signed", CELL_PLAIN},
        {"pushed", "pushed", CELL_PLAIN},
    };
    return output_object(&request->output, answer, columns,
                         sizeof columns / sizeof columns[0]);
}

int cmd_model_publish(int argc, char **argv)
{
    __attribute__((cleanup(request_wipe))) struct request request = {
        .variant = "fp32", .deltas = DELTAS_DEFAULT, .publisher = PUBLISHER_INIT};
    const struct option_row options[] = {
        {"model", 'm', OPTION_TEXT, &request.model, "NAME", "the line of versions"},
        {"version", 0, OPTION_TEXT, &request.version, "VERSION", "such as 1.0.0"},
        {"variant", 0, OPTION_TEXT, &request.variant, "NAME", "default: fp32"},
        {"seq", 0, OPTION_INTEGER, &request.seq, "N",
         "default: the model's highest plus one; 1 to 9007199254740991"},
        {"floor", 0, OPTION_INTEGER, &request.floor, "SEQ",
         "from now on no node activates a lower seq"},
        {"deltas", 0, OPTION_INTEGER, &request.deltas, "N",
         "make deltas from up to N versions before it (default: 3, none: 0)"},
        MODEL_NEEDS_OPTIONS(request.needs),
        {"on-revoke", 0, OPTION_TEXT, &request.on_revoke, "WHAT",
         "keep (default) or stop, when it is no longer listed"},
        PUBLISHER_DAYS_OPTION(request.publisher),
        {"no-push", 0, OPTION_FLAG, &request.no_push, NULL,
         "only sign, even with a server"},
        PUBLISHER_REPO_OPTION(request.publisher),
        PUBLISHER_SIGN_OPTIONS(request.publisher),
        CONNECTION_OPTIONS(request.connection),
        OUTPUT_OPTIONS(request.output),
    };
    const struct usage usage = {
        .synopsis = "muster model publish FILE --model NAME --version VERSION [options]",
        .about =
            "Signs a model file and its transports (the compressed\n"
            "form, deltas from versions before it) into the repository, offline.\n"
            "The version gets the next seq of its model. A .mnet file must pass its\n"
            "self-test first. With a server named it is pushed at once.",
        .examples = "  muster model publish fp32.mnet --model fashion --version 1.0.0 "
                    "--repo models\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    struct operands operands;
    int code = CLI_OK;
    if (!usage_parse(&usage, argc, argv, &operands, &code)) {
        return code;
    }
    request.file = operands.items[0];
    if (!request.model || !request.version) {
        return usage_wrong(&usage, "--model and --version are needed");
    }
    if (request.deltas < 0 || request.deltas > TRANSPORTS_DELTAS_MAX) {
        return usage_wrong(&usage, "--deltas is 0 to 16");
    }
    JSON_AUTO *answer = NULL;
    struct err err = {0};
    if (publish(&request, &answer, &err) != OK) {
        return cli_fail(&err);
    }
    return print_answer(&request, answer);
}
