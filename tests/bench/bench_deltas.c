/* SPDX-License-Identifier: Apache-2.0 */
/* bench_deltas: what script/bench deltas needs of a program.
 *
 *   make FOLDER                  base.KIND and CASE.KIND, KIND f32 and int8, CASE random,
 *                                last and all
 *   encode BASE RESULT DELTA     as muster model publish does
 *   decode BASE DELTA RESULT     as a node does, but at once
 *   run COMMAND...               runs it; prints its CPU seconds and its peak in MB
 *
 * A model is a header of 64 bytes and two arrays of 1,310,720 weights, normal with a
 * deviation of 0.05; int8 is the same in steps of 0.002. Changes are normal too: of 0.001
 * for a random tenth and for the last tenth of the weights, of 0.0005 for all of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "format/delta_decode.h"
#include "format/delta_encode.h"

enum { WEIGHTS = 2 * 1310720, HEADER = 64, FILE_MODE = 0600 };

static const size_t FILE_MAX = (size_t)1 << 30;

static double draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ z >> 31) >> 11) + 0.5) / 9007199254740992.0;
}

static double draw_normal(uint64_t *state)
{
    double u = draw(state);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * draw(state));
}

static enum status read_file(const char *path, struct buf *ret_data, struct err *err)
{
    *ret_data = BUF_INIT(FILE_MAX);
    return file_read(path, ret_data, err);
}

static enum status write_file(const char *path, const void *data, size_t len,
                              struct err *err)
{
    return file_write_atomic(path, data, len, FILE_MODE, err);
}

static enum status write_model(const char *folder, const char *name, const float *weights,
                               struct err *err)
{
    static uint8_t bytes[HEADER + 4 * WEIGHTS];
    char path[512];
    for (size_t i = 0; i < HEADER; i++) {
        bytes[i] = (uint8_t)i;
    }
    memcpy(bytes + HEADER, weights, 4 * (size_t)WEIGHTS);
    (void)snprintf(path, sizeof path, "%s/%s.f32", folder, name);
    enum status status = write_file(path, bytes, sizeof bytes, err);
    for (size_t i = 0; i < WEIGHTS; i++) {
        double step = nearbyint((double)weights[i] / 0.002);
        bytes[HEADER + i] = (uint8_t)(int)fmax(-127, fmin(127, step));
    }
    (void)snprintf(path, sizeof path, "%s/%s.int8", folder, name);
    return status == OK ? write_file(path, bytes, HEADER + WEIGHTS, err) : status;
}

static enum status make(const char *folder, struct err *err)
{
    static float base[WEIGHTS], moved[WEIGHTS];
    static const char *const names[] = {"base", "random", "last", "all"};
    enum status status = OK;
    uint64_t state = 7;
    for (size_t i = 0; i < WEIGHTS; i++) {
        base[i] = (float)(0.05 * draw_normal(&state));
    }
    for (int kind = 0; status == OK && kind < 4; kind++) {
        for (size_t i = 0; i < WEIGHTS; i++) {
            bool moves = kind == 1   ? draw(&state) < 0.1
                         : kind == 2 ? i >= WEIGHTS - WEIGHTS / 10
                                     : kind == 3;
            double by = kind == 3 ? 0.0005 : 0.001;
            moved[i] = base[i] + (moves ? (float)(by * draw_normal(&state)) : 0);
        }
        status = write_model(folder, names[kind], moved, err);
    }
    return status;
}

static enum status encode(char **paths, struct err *err)
{
    BUF_AUTO base = {0};
    BUF_AUTO result = {0};
    BUF_AUTO delta = BUF_INIT(FILE_MAX);
    enum status status = read_file(paths[0], &base, err);
    if (status == OK) {
        status = read_file(paths[1], &result, err);
    }
    struct delta_side from = {base.data, base.len};
    struct delta_side to = {result.data, result.len};
    if (status == OK) {
        status = delta_encode(&from, &to, result.len, &delta, err);
    }
    return status == OK ? write_file(paths[2], delta.data, delta.len, err) : status;
}

static enum status decode(char **paths, struct err *err)
{
    BUF_AUTO base = {0};
    BUF_AUTO delta = {0};
    BUF_AUTO result = BUF_INIT(FILE_MAX);
    uint8_t sha256[SHA256_BYTES];
    enum status status = read_file(paths[0], &base, err);
    if (status == OK) {
        status = read_file(paths[1], &delta, err);
    }
    if (status == OK) {
        status = sha256_of(base.data, base.len, sha256, err);
    }
    char *room = buf_reserve(&result, base.len); /* the lengths are equal here */
    if (status == OK && !room) {
        status = err_set(err, ERR_NO_MEMORY, "no memory for the result");
    }
    struct delta_places places = {(uint8_t *)base.data,  base.len,
                                  (uint8_t *)delta.data, delta.len,
                                  (uint8_t *)room,       base.len};
    if (status == OK) {
        status = delta_decode(&places, sha256, err);
    }
    return status == OK ? write_file(paths[2], room, base.len, err) : status;
}

static int run(char **command)
{
    int state = 0;
    struct rusage usage = {0};
    pid_t child = fork();
    if (child == 0) {
        (void)execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || wait4(child, &state, 0, &usage) < 0 || !WIFEXITED(state)) {
        return 1;
    }
    double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    printf("%.3f %.1f\n", seconds, (double)usage.ru_maxrss / 1024);
    return WEXITSTATUS(state);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    enum status status = ERR_INVALID_ARGUMENT;
    const char *verb = argc > 2 ? argv[1] : "";
    if (strcmp(verb, "run") == 0) {
        return run(argv + 2);
    }
    if (strcmp(verb, "make") == 0) {
        status = make(argv[2], &err);
    } else if (argc == 5 && strcmp(verb, "encode") == 0) {
        status = encode(argv + 2, &err);
    } else if (argc == 5 && strcmp(verb, "decode") == 0) {
        status = decode(argv + 2, &err);
    }
    if (status != OK) {
        (void)fprintf(stderr, "bench_deltas: %s %s\n", verb, err.detail);
    }
    return status != OK;
}
