/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the self-test of model files by every family of kernels that this machine has:
 *
 *   cross_verify FILE.mnet...
 *
 * The files were made elsewhere, so that both machines have to agree. */
#include <stdio.h>
#include <stdlib.h>

#include <muster/nn.h>

#include "nn/isa.h"

static int verify(const char *path, enum nn_isa isa)
{
    struct muster_nn_error error = {0};
    struct muster_nn_model *model = NULL;
    struct muster_nn_context *context = NULL;
    size_t tests = 0;
    int failed = setenv("MUSTER_NN_ISA", nn_isa_name(isa), 1) != 0 ||
                 nn_isa_chosen() != isa || muster_nn_open(path, NULL, &model, &error) ||
                 muster_nn_context_new(model, &context, &error) ||
                 muster_nn_verify(context, &tests, &error) || tests == 0;
    printf("%s: %s: %s\n", nn_isa_name(isa), path,
           !failed           ? "ok"
           : error.detail[0] ? error.detail
                             : "not tested");
    muster_nn_context_free(context);
    muster_nn_close(model);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (enum nn_isa isa = NN_ISA_GENERIC; isa < NN_ISAS; isa++) {
        for (int i = 1; i < argc && nn_isa_has(isa); i++) {
            failed |= verify(argv[i], isa);
        }
    }
    return failed;
}
