/* SPDX-License-Identifier: Apache-2.0 */
typedef struct bad {
    int value;
} bad_type;

typedef struct bad *bad_maker(void);
