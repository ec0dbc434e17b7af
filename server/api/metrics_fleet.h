/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_fleet: the fleet as gauges.
 *
 * No label names a node: the number of samples does not grow with the fleet. Of what
 * nodes run, the METRICS_VERSIONS_MAX that run on most nodes have samples of their own;
 * the others share one whose labels are all "other". */
#ifndef MUSTER_SERVER_API_METRICS_FLEET_H
#define MUSTER_SERVER_API_METRICS_FLEET_H

#include "base/buf.h"

struct fleet_view;

enum { METRICS_VERSIONS_MAX = 50 };

void metrics_add_fleet(struct buf *out, const struct fleet_view *fleet);

#endif
