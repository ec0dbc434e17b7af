-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE good (id INTEGER) STRICT;
CREATE TABLE bad (
    id INTEGER
);
