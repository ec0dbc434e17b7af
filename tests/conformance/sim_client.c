/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/conformance/sim.h"

enum { ARGUMENTS = 64, VARIABLES = 128, FILE_MAX = 16 * 1024 * 1024, FOLDERS = 32 };

static const char FAKETIME[] = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

void sim_repository_make(struct sim *sim);

extern char **environ;

/* ---- one case ---- */

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

int sim_set_up(void **state)
{
    struct sim *sim = calloc(1, sizeof *sim);
    assert_non_null(sim);
    const char *base = getenv("TMPDIR");
    if (access("/dev/shm", W_OK) == 0) {
        base = "/dev/shm"; /* no case depends on what a disk keeps */
    }
    (void)snprintf(sim->folder, sizeof sim->folder, "%.500s/muster-sim-XXXXXX",
                   base ? base : "/tmp");
    assert_non_null(mkdtemp(sim->folder));
    (void)snprintf(sim->metadata, sizeof sim->metadata, "%.600s/metadata", sim->folder);
    (void)snprintf(sim->targets, sizeof sim->targets, "%.600s/targets", sim->folder);
    assert_int_equal(mkdir(sim->metadata, 0700), 0);
    assert_int_equal(mkdir(sim->targets, 0700), 0);
    sim->versions = calloc(SIM_VERSIONS, sizeof *sim->versions);
    assert_non_null(sim->versions);
    sim_server_start(&sim->server);
    sim_repository_make(sim);
    *state = sim;
    return 0;
}

void sim_forget_versions(struct sim *sim)
{
    for (size_t i = 0; i < sim->version_count; i++) {
        buf_release(&sim->versions[i].data);
    }
    sim->version_count = 0;
}

int sim_tear_down(void **state)
{
    struct sim *sim = *state;
    sim_server_stop(&sim->server);
    for (size_t i = 0; i < sim->role_count; i++) {
        json_decref(sim->roles[i].body);
    }
    for (size_t i = 0; i < sim->key_count; i++) {
        sim_key_release(&sim->keys[i]);
    }
    sim_forget_versions(sim);
    free(sim->versions);
    (void)nftw(sim->folder, remove_one, FOLDERS, FTW_DEPTH | FTW_PHYS);
    free(sim);
    return 0;
}

/* ---- running ---- */

struct command {
    const char *arguments[ARGUMENTS];
    size_t count;
    char metadata_url[SIM_PATH_BYTES], target_url[SIM_PATH_BYTES];
    char variables[3][SIM_PATH_BYTES];
};

static void add(struct command *command, const char *text)
{
    assert_true(command->count < ARGUMENTS - 1);
    command->arguments[command->count++] = text;
}

/* With and without a slash at the end, in turn: clients meet both. */
static void add_url(const struct sim *sim, struct command *command, const char *option,
                    char url[static SIM_PATH_BYTES], const char *folder)
{
    (void)snprintf(url, SIM_PATH_BYTES, "http://127.0.0.1:%u%s/%s%s", sim->server.port,
                   SIM_PREFIX, folder, sim->runs % 2 ? "/" : "");
    add(command, option);
    add(command, url);
}

static bool overrides(const struct command *command, const char *variable)
{
    size_t name = strcspn(variable, "=");
    for (int i = 0; i < 3; i++) {
        if (strncmp(command->variables[i], variable, name + 1) == 0) {
            return true;
        }
    }
    return false;
}

/* The environment with the clock and the library of this run. */
static void make_environment(const struct sim *sim, struct command *command,
                             char *ret_environment[static VARIABLES])
{
    size_t count = 0;
    if (sim->clock) {
        (void)snprintf(command->variables[0], SIM_PATH_BYTES, "LD_PRELOAD=%s", FAKETIME);
        const char *asan = getenv("ASAN_OPTIONS");
        (void)snprintf(command->variables[1], SIM_PATH_BYTES,
                       "ASAN_OPTIONS=%.500s:verify_asan_link_order=0", asan ? asan : "");
        (void)snprintf(command->variables[2], SIM_PATH_BYTES, "FAKETIME=%s", sim->clock);
    }
    for (int i = 0; i < 3; i++) {
        if (command->variables[i][0]) {
            ret_environment[count++] = command->variables[i];
        }
    }
    for (char **at = environ; *at && count < VARIABLES - 1; at++) {
        if (!overrides(command, *at)) {
            ret_environment[count++] = *at;
        }
    }
    ret_environment[count] = NULL;
}

static void said_path(const struct sim *sim, char ret_path[static SIM_PATH_BYTES])
{
    (void)snprintf(ret_path, SIM_PATH_BYTES, "%.600s/stderr", sim->folder);
}

static pid_t start(struct sim *sim, struct command *command)
{
    char *environment[VARIABLES], path[SIM_PATH_BYTES];
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    command->arguments[command->count] = NULL;
    sim->runs++;
    said_path(sim, path);
    make_environment(sim, command, environment);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, path, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    assert_int_equal(
        posix_spawn(&pid, sim->killed_client ? KILLED_CLIENT : CLIENT, &actions, NULL,
                    (char *const *)(uintptr_t)command->arguments, environment),
        0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

int sim_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run(struct sim *sim, struct command *command)
{
    char path[SIM_PATH_BYTES];
    BUF_AUTO text = BUF_INIT(FILE_MAX);
    int status = sim_wait(start(sim, command));
    said_path(sim, path);
    assert_int_equal(file_read(path, &text, NULL), OK);
    (void)snprintf(sim->said, sizeof sim->said, "%.4000s", text.data ? text.data : "");
    return status;
}

static void begin(const struct sim *sim, struct command *command, bool url)
{
    add(command, CLIENT);
    if (url) {
        add_url(sim, command, "--metadata-url", command->metadata_url, "metadata");
    }
    if (sim->patience_ms) {
        add(command, "--patience-ms");
        add(command, sim->patience_ms);
    }
    add(command, "--metadata-dir");
    add(command, sim->metadata);
}

int init_with(struct sim *sim, const void *root, size_t len)
{
    char path[SIM_PATH_BYTES];
    struct command command = {0};
    (void)snprintf(path, sizeof path, "%.600s/trusted-root", sim->folder);
    assert_int_equal(file_write_atomic(path, root, len, 0600, NULL), OK);
    begin(sim, &command, false);
    add(&command, "init");
    add(&command, path);
    return run(sim, &command);
}

int init(struct sim *sim)
{
    const struct buf *root = sim_past(sim, "root", 1);
    return init_with(sim, root->data, root->len);
}

int refresh(struct sim *sim)
{
    struct command command = {0};
    begin(sim, &command, true);
    add(&command, "refresh");
    return run(sim, &command);
}

pid_t sim_spawn_refresh(struct sim *sim)
{
    struct command command = {0};
    begin(sim, &command, true);
    add(&command, "refresh");
    return start(sim, &command);
}

int download(struct sim *sim, const char *paths)
{
    struct command command = {0};
    char words[4096];
    (void)snprintf(words, sizeof words, "%s", paths);
    begin(sim, &command, true);
    char *rest = NULL;
    for (char *path = strtok_r(words, " ", &rest); path;
         path = strtok_r(NULL, " ", &rest)) {
        add(&command, "--target-name");
        add(&command, path);
    }
    add(&command, "--target-dir");
    add(&command, sim->targets);
    add_url(sim, &command, "--target-base-url", command.target_url, "targets");
    add(&command, "download");
    return run(sim, &command);
}

/* ---- judging ---- */

void sim_judge(const struct sim *sim, int status, const char *code, const char *call,
               const char *file, int line)
{
    char wanted[100];
    (void)snprintf(wanted, sizeof wanted,
                   "muster-tuf-conformance: %s: ", code ? code : "");
    bool as_expected =
        code ? status == 1 && strncmp(sim->said, wanted, strlen(wanted)) == 0
             : status == 0 && sim->said[0] == '\0';
    if (!as_expected) {
        print_error("%s:%d: %s: %s expected, found status %d: %s\n", file, line, call,
                    code ? code : "success", status, sim->said);
        _fail(file, line);
    }
}

void sim_cached(const struct sim *sim, const char *name,
                char ret_path[static SIM_PATH_BYTES * 2])
{
    (void)snprintf(ret_path, SIM_PATH_BYTES * 2, "%s/%s", sim->metadata, name);
}

static int count_files(const char *folder, const char *end)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *item = readdir(dir); item; item = readdir(dir)) {
        size_t len = strlen(item->d_name);
        count += item->d_type == DT_REG && len >= strlen(end) &&
                 strcmp(item->d_name + len - strlen(end), end) == 0;
    }
    closedir(dir);
    return count;
}

static void quote_name(const char *name, char *ret_text, size_t size)
{
    size_t len = 0;
    for (; *name && len + 4 < size; name++) {
        bool special = strchr("/?#% ", *name) != NULL;
        len += (size_t)snprintf(ret_text + len, size - len, special ? "%%%02X" : "%c",
                                (unsigned char)*name);
    }
    ret_text[len] = '\0';
}

static bool holds_one(const struct sim *sim, const char *name, long version)
{
    char quoted[SIM_NAME_BYTES], file[SIM_NAME_BYTES + 8], path[SIM_PATH_BYTES * 2];
    BUF_AUTO data = BUF_INIT(FILE_MAX);
    const struct buf *wanted = sim_past(sim, name, version);
    quote_name(name, quoted, sizeof quoted);
    (void)snprintf(file, sizeof file, "%s.json", quoted);
    sim_cached(sim, file, path);
    return file_read(path, &data, NULL) == OK && data.len == wanted->len &&
           memcmp(data.data, wanted->data, data.len) == 0;
}

void sim_holds(const struct sim *sim, const char *files, const char *file, int line)
{
    char words[4096];
    int wanted = 0;
    (void)snprintf(words, sizeof words, "%s", files);
    char *rest = NULL;
    for (char *name = strtok_r(words, " ", &rest); name;
         name = strtok_r(NULL, " ", &rest)) {
        long version = strtol(strtok_r(NULL, " ", &rest), NULL, 10);
        wanted++;
        if (!holds_one(sim, name, version)) {
            print_error("%s:%d: %s.json is not version %ld as it was signed\n", file,
                        line, name, version);
            _fail(file, line);
        }
    }
    int found = count_files(sim->metadata, ".json");
    if (found != wanted) {
        print_error("%s:%d: %d files *.json expected, %d found\n", file, line, wanted,
                    found);
        _fail(file, line);
    }
}

void sim_asked(struct sim *sim, const char *paths, const char *file, int line)
{
    static char log[SIM_LOG_BYTES];
    sim_server_take_log(&sim->server, log);
    size_t len = strlen(log);
    log[len > 0 ? len - 1 : 0] = '\0';
    if (strcmp(log, paths) != 0) {
        print_error("%s:%d: requests expected:\n  %s\nfound:\n  %s\n", file, line, paths,
                    log);
        _fail(file, line);
    }
}

void sim_stored(const struct sim *sim, int count, const char *file, int line)
{
    int found = count_files(sim->targets, "");
    if (found != count) {
        print_error("%s:%d: %d target files expected, %d found\n", file, line, count,
                    found);
        _fail(file, line);
    }
}
