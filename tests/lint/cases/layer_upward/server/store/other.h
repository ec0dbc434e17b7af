/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SERVER_STORE_OTHER_H
#define MUSTER_SERVER_STORE_OTHER_H

struct store;

#endif
