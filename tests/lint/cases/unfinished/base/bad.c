/* SPDX-License-Identifier: Apache-2.0 */
/* TODO: finish */
const char *const bad = "tmp-XXXXXX";
