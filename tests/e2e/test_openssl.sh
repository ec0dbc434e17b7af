#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signatures that the openssl command makes for --external, as docs/PUBLISHING.md has the calls: the
# publisher and a client take them; with another padding or digest neither does. The client is
# asked with a root that needs the signature of that key.
BIN=${1:-}
[ -n "$BIN" ] || unset BIN
. "$(dirname "$0")/lib.sh"

repo() {
    MUSTER_REPO=$WORK/$KIND "$BIN/muster" repo "$@" --passphrase-file "$WORK/passphrase" >"$WORK/repo.log" 2>&1
}

# client ROOT: whether the client trusts it.
client() {
    rm -rf "$WORK/client"
    "$BIN/muster-tuf-conformance" --metadata-dir "$WORK/client" init "$1" >"$WORK/client.log" 2>&1
}

# signer NAME OPTION...: a program that signs with the key, and leaves what it signed in message.
signer() {
    printf '#!/bin/sh\ntee "%s/message" | openssl dgst -sign "%s/%s.pem" %s\n' "$WORK" "$WORK" "$KIND" \
        "${*:2}" >"$WORK/$1"
    chmod +x "$WORK/$1"
}

# with_signature SIGNATURE-FILE: the root that is published, with that one in place of the key's.
with_signature() {
    node -e 'const [root, right, other] = process.argv.slice(1).map((f) => require("fs").readFileSync(f));
        const [old, mine] = [right, other].map((bytes) => bytes.toString("hex"));
        const text = root.toString();
        if (!text.includes(old)) throw new Error("the signature is not there");
        process.stdout.write(text.replace(old, mine));' "$PUBLISHED" "$WORK/right.sig" "$1" >"$WORK/other.json"
}

# ceremony GOOD-OPTIONS WRONG-OPTIONS...: a root that needs the key of $KIND.
ceremony() {
    local good=$1 wrong number=0
    shift
    repo init "$WORK/$KIND" --timestamp-key "$TIMESTAMP_KEY" || fail "init: $(cat "$WORK/repo.log")"
    repo signer add root --key "$WORK/$KIND.pub" || fail "signer add: $(cat "$WORK/repo.log")"
    repo threshold root 3 || fail "threshold: $(cat "$WORK/repo.log")"
    for wrong in "$@"; do
        signer "wrong-$((number += 1))" "$wrong"
        ! repo sign --yes --external "$WORK/wrong-$number" || fail "$KIND: a signature with '$wrong' was taken"
    done
    signer good "$good"
    repo sign --yes --external "$WORK/good" || fail "$KIND: sign: $(cat "$WORK/repo.log")"
    mv "$WORK/message" "$WORK/signed"
    PUBLISHED=$(printf '%s\n' "$WORK/$KIND/metadata/"*.root.json | sort -V | tail -n 1)
    client "$PUBLISHED" || fail "$KIND: the client refuses it: $(cat "$WORK/client.log")"
    node -e 'const { signatures } = JSON.parse(require("fs").readFileSync(process.argv[1]));
        process.stdout.write(Buffer.from(signatures.find((one) => one.sig.length > 128).sig, "hex"));' \
        "$PUBLISHED" >"$WORK/right.sig"
    for wrong in $(seq "$number"); do
        "$WORK/wrong-$wrong" <"$WORK/signed" >"$WORK/wrong.sig"
        with_signature "$WORK/wrong.sig"
        ! client "$WORK/other.json" || fail "$KIND: the client took: $(cat "$WORK/wrong-$wrong")"
        grep -q '2 found' "$WORK/client.log" || fail "$KIND: $(cat "$WORK/client.log")"
    done
    "$WORK/good" <"$WORK/signed" >"$WORK/again.sig"
    with_signature "$WORK/again.sig"
    client "$WORK/other.json" || fail "$KIND: another good signature: $(cat "$WORK/client.log")"
    echo "openssl: $KIND: taken, and $number wrong ones refused twice"
}

echo 'correct horse battery staple' >"$WORK/passphrase"
"$BIN/musterd" init --data "$WORK/data" >"$WORK/init.out" 2>"$WORK/init.log" || fail "musterd init"
TIMESTAMP_KEY=$(sed -n 's/^timestamp-key: //p' "$WORK/init.out")

KIND=rsa
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/rsa.pem" 2>"$WORK/openssl.log"
openssl pkey -in "$WORK/rsa.pem" -pubout -out "$WORK/rsa.pub"
PSS='-sha256 -sigopt rsa_padding_mode:pss'
ceremony "$PSS -sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha256" -sha256 \
    "$PSS -sigopt rsa_mgf1_md:sha1" "-sha512 -sigopt rsa_padding_mode:pss"

KIND=ec
openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/ec.pem"
openssl ec -in "$WORK/ec.pem" -pubout -out "$WORK/ec.pub" 2>"$WORK/openssl.log"
ceremony -sha256 -sha512
echo "openssl: ok"
