#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Preprocessing from a JSON file reaches the model file; `model run` then takes pictures of
# any size; a file that is not understood is refused.
set -u
muster=$1
onnx=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/muster-cli-preprocess.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

cat >crop.json <<'JSON'
{"input": "grey", "fit": "crop", "shorter_side": 32, "interpolation": "bilinear",
 "denoise": 3, "mean": [0.5], "std": [0.25]}
JSON
"$muster" model import "$onnx" -o crop.mnet --preprocess crop.json --std 0.5 >out 2>err ||
    fail "the import: $(cat err)"
shown=$("$muster" model show crop.mnet --json | tr -d ' \n')
for member in '"input":"grey"' '"fit":"crop"' '"shorter_side":32' '"denoise":3' \
    '"interpolation":"bilinear"' '"mean":[0.5]' '"std":[0.5]'; do
    case $shown in
    *"$member"*) ;;
    *) fail "model show has no $member" ;;
    esac
done

{ printf 'P6\n90 60\n255\n' && head -c 16200 "$onnx"; } >picture.ppm
"$muster" model run crop.mnet picture.ppm --json >out 2>err || fail "the run: $(cat err)"
"$muster" model import "$onnx" -o plain.mnet >out 2>err || fail "$(cat err)"
"$muster" model run plain.mnet picture.ppm >out 2>err && fail "a picture of another size was taken"
grep -q '90x60' err || fail "the size is not named: $(cat err)"

# refused WORDS JSON: the import refuses the file and says the words.
refused() {
    printf '%s' "$2" >wrong.json
    "$muster" model import "$onnx" -o wrong.mnet --preprocess wrong.json >out 2>err &&
        fail "$2 was taken"
    grep -q -- "$1" err || fail "$2: '$(cat err)' does not say '$1'"
    [ ! -e wrong.mnet ] || fail "$2 left a file"
}

refused 'no JSON object' '[]'
refused 'no JSON object' '{"fit": "crop",}'
refused "'fits'" '{"fits": "crop"}'
refused "'fit'" '{"fit": "wide"}'
refused "'denoise'" '{"denoise": -1}'
refused "'fill'" '{"fit": "letterbox", "fill": 256}'
refused "'scale'" '{"scale": "1/255"}'
refused "'mean'" '{"mean": ["0"]}'
refused 'denoise is 3' '{"denoise": 4}'
refused 'shape of such an image' '{"input": "rgb"}'
refused 'of an image' '{"window": 28}'
"$muster" model import "$onnx" -o shaped.mnet --shape 2,1,28,28 >out 2>err || fail "$(cat err)"
"$muster" model show shaped.mnet --json | tr -d ' \n' | grep -q '"input":"2x1x28x28"' ||
    fail "the shape is not taken: $(cat out)"
for wrong in 1,2,x 1,,2 '' 1,0 1,1,1,1,1,1,1; do
    "$muster" model import "$onnx" -o wrong.mnet --shape "$wrong" >out 2>err && fail "--shape $wrong"
    grep -q 'shape' err || fail "--shape '$wrong': $(cat err)"
done
exit $failed
