#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# runner.sh FILE: a runner as docs/RUNNERS.md describes, without a model: frame n is of class
# n mod 10. The word in FILE, read again at each frame, says what else it does: good; mute (never
# ready); die, hang, lie (each from its fifth frame on); picky (every second frame is an error);
# stale (wants another engine, once). An engine is what engine.sh makes.
# What hangs does not end at SIGTERM. FILE.pids gets its process id.
echo $$ >>"$1.pids"
read -r mode <"$1"
if [ "$mode" = mute ]; then
    trap '' TERM
    exec sleep 1000
fi
IFS= read -r line
path=${line#*\"path\":\"}
path=${path%%\"*}
artifact=${line#*\"artifact\":\"}
artifact=${artifact%%\"*}
sum=$(sha256sum <"$path")
[ "${sum%% *}" = "$artifact" ] || { echo '{"error":"another file"}' && exit 5; }
[ "$(stat -c %a "$path")" = 400 ] || { echo '{"error":"a file that can be written"}' && exit 5; }
case $line in *\"engine\":*)
    engine=${line#*\"engine\":\"}
    sum=$(gzip -dc "${engine%%\"*}" | sha256sum)
    [ "${sum%% *}" = "$artifact" ] || { echo '{"error":"another engine"}' && exit 5; }
    ;;
esac
if [ "$mode" = stale ]; then
    echo good >"$1"
    echo '{"rebuild":"built for another runtime"}'
    exit
fi
[ "$(ls /proc/self/fd | wc -l)" -le 4 ] || { echo '{"error":"more files are open"}' && exit 5; }
echo '{"ready":true,"classes":10,"unknown":[]}'
asked=0
while IFS= read -r line; do
    frame=${line#*\"frame\":}
    frame=${frame%%,*}
    asked=$((asked + 1))
    class=$((frame % 10))
    read -r mode <"$1"
    if [ "$asked" -ge 5 ]; then
        case $mode in
        die) exit 9 ;;
        hang) trap '' TERM && exec sleep 1000 ;;
        lie) class=10 ;;
        esac
    fi
    if [ "$mode" = picky ] && [ $((asked % 2)) -eq 0 ]; then
        echo "{\"frame\":$frame,\"error\":\"too dark\"}"
    else
        echo "{\"frame\":$frame,\"class\":$class,\"confidence\":0.5}"
    fi
done
