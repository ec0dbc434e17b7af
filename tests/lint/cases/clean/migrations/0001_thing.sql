-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE thing (
    id INTEGER PRIMARY KEY
) STRICT;
