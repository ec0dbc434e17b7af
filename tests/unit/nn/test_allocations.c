/* SPDX-License-Identifier: Apache-2.0 */
/* Between a context and its results nothing is allocated or freed: every call of the
 * allocator from this program is counted (the linker wraps them). */
#include "base/file.h"
#include "tests/unit/nn/model_bytes.h"

static size_t calls;

/* The linker gives these names (--wrap, CMakeLists.txt). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    calls++;
    return __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    calls++;
    return __real_aligned_alloc(alignment, size);
}

void __wrap_free(void *memory)
{
    calls++;
    __real_free(memory);
}

/* Opening and making a context allocate, or this test would count nothing. */
static void opening_is_counted(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = NULL;
    calls = 0;
    assert_int_equal(muster_nn_open_memory(bytes.data, bytes.len, NULL, &model, NULL), 0);
    assert_true(calls > 0);
    muster_nn_close(model);
    free(bytes.data);
}

static void a_context_in_the_callers_memory_allocates_nothing(void **state)
{
    (void)state;
    struct model_bytes bytes = make_model();
    struct muster_nn_model *model = NULL;
    struct muster_nn_context *context = NULL;
    void *memory = NULL;
    assert_int_equal(muster_nn_open_memory(bytes.data, bytes.len, NULL, &model, NULL), 0);
    assert_int_equal(posix_memalign(&memory, 64, muster_nn_arena_bytes(model)), 0);
    calls = 0;
    assert_int_equal(muster_nn_context_init(model, memory, muster_nn_arena_bytes(model),
                                            &context, NULL),
                     0);
    assert_int_equal(muster_nn_verify(context, NULL, NULL), 0);
    assert_int_equal(calls, 0);
    free(memory);
    muster_nn_close(model);
    free(bytes.data);
}

static void count_nothing(void *user, size_t layer, uint64_t nanoseconds)
{
    (void)user;
    (void)layer;
    (void)nanoseconds;
}

/* Everything that is called for a picture. */
static void use(struct muster_nn_context *context, const struct muster_nn_image *image,
                float *probabilities, size_t count)
{
    assert_int_equal(muster_nn_set_image(context, 0, 0, image, NULL), 0);
    assert_int_equal(muster_nn_run(context, NULL), 0);
    assert_int_equal(muster_nn_probabilities(context, 0, 0, probabilities, count, NULL),
                     0);
    assert_int_equal(muster_nn_verify(context, NULL, NULL), 0);
}

/* A picture that is denoised, scaled and cropped before it is seen. */
static void a_picture_allocates_nothing(void **state)
{
    (void)state;
    static uint8_t pixels[60 * 40 * 3];
    const struct muster_nn_image image = {pixels, 60, 40, 0, MUSTER_NN_RGB};
    const struct import_options options = {
        .fit = MUSTER_NN_FIT_CROP, .shorter_side = 32, .denoise = 3};
    BUF_AUTO onnx = BUF_INIT(BUILDER_MAX);
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    float p[10];
    assert_int_equal(
        file_read(SOURCE_DIR "/examples/fashion/fashion-1.0.0.onnx", &onnx, NULL), OK);
    assert_int_equal(import_onnx(onnx.data, onnx.len, &options, &file, NULL, NULL), OK);
    struct opened opened = open_built(&file);
    calls = 0;
    use(opened.context, &image, p, 10);
    muster_nn_set_hook(opened.context, count_nothing, NULL);
    use(opened.context, &image, p, 10);
    assert_int_equal(calls, 0);
    close_built(&opened);
}

static void a_window_allocates_nothing(void **state)
{
    (void)state;
    static const float samples[64];
    const struct muster_nn_series series = {samples, 32};
    const struct import_options options = {.input = IMPORT_SERIES,
                                           .normalise_window = true};
    struct onnx_builder b = onnx_begin(13);
    onnx_input(&b, "x", 3, (int64_t[]){1, 2, 32});
    onnx_output(&b, "y");
    onnx_node(&b, "Tanh", "x", "y");
    BUF_AUTO file = BUF_INIT(BUILDER_MAX);
    assert_int_equal(import_built(&b, &options, &file, NULL), OK);
    struct opened opened = open_built(&file);
    calls = 0;
    assert_int_equal(muster_nn_set_window(opened.context, 0, 0, &series, 0, NULL), 0);
    assert_int_equal(muster_nn_run(opened.context, NULL), 0);
    assert_int_equal(calls, 0);
    close_built(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_is_counted),
        cmocka_unit_test(a_context_in_the_callers_memory_allocates_nothing),
        cmocka_unit_test(a_picture_allocates_nothing),
        cmocka_unit_test(a_window_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
