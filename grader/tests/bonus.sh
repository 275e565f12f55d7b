#!/bin/bash
# The bonus: the solution gets all points, the starter none, and each known mistake breaks the rule meant for it.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/grader "$work"/build "$work"/lab02-x/bonus && cd "$work" || exit 1
cp -r "$root/grader/bonus" grader/
ln -s "$root/build/grader" build/grader
right=$root/lab02-requests/bonus/solution/hpack.txt
mine=lab02-x/bonus/hpack.txt

bonus() { python3 grader/bonus/bonus.py lab02-x >said 2>&1; }
says() { grep -qF -- "$1" said; }
full() { cp "$right" $mine && bonus && says "3 of 3" && ! says ✘; }
nothing() { cp "$root/lab02-requests/bonus/hpack.txt" $mine && bonus && says "0 of 3"; }

# mistake RULE SED...: change the solution; it must break this rule and lose points.
mistake() {
  rule=$1
  shift
  sed "$@" "$right" >$mine
  bonus
  ! cmp -s "$right" $mine && grep -q "✘ $rule " said && ! says "3 of 3"
}

check "the solution gets all points" full
check "the starter gets no points" nothing
check "mistake: the second block has the :path of the first" mistake fields 's/2f 62/2f 61/'
check "mistake: a wrong length" mistake fields '0,/04 02/s//04 03/'
check "mistake: :authority is not in the table" mistake authority -e 's/^41/01/' -e 's/^be/01 07 68 32 2e 74 65 73 74/'
check "mistake: :path is in the table" mistake path 's/^04/44/'
check "mistake: authorization is without indexing, but not never-indexed" mistake secret 's/^1f/0f/'
check "mistake: authorization is in the table" mistake secret 's/^1f 08/57/'
check "mistake: the name of :path is a literal" mistake short 's/^04 02 2f 62/00 05 3a 70 61 74 68 02 2f 62/'
check "mistake: the second block does not use the table" mistake state 's/^be/01 07 68 32 2e 74 65 73 74/'
check "mistake: the dynamic table begins at 61" mistake fields 's/^be/bd/'
check "mistake: the index of authorization is cut off" mistake fields 's/^1f 08/1f/'
printf '82 8\n' >$mine
check_not "text that is not hexadecimal is an error" bonus
check "the error names the line" says "hpack.txt:1:"
rm $mine
check_not "a missing file is an error" bonus
full
mkdir none
"$root/build/grader/grade" --programs none --output build/grade --lab 02 >board 2>&1
check "the scoreboard shows the points of the bonus" grep -q "In addition: 3 of 3" board
check "results.json has the bonus" grep -q '"lab02/bonus"' build/grade/results.json

# gRPC: the same, with a program that is compiled first.
mkdir -p lab04-router/bonus build/bonus/lab04-router/bonus
solution=$root/lab04-router/bonus/solution/grpc.c
libraries=$(pkg-config --cflags --libs libnghttp2 openssl libuv jansson)

compile() { # FILE
  cp "$1" lab04-router/bonus/grpc.c
  # shellcheck disable=SC2086
  ${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -I"$root" -O0 -fsanitize=address,undefined "$1" \
    "$root/build/obj/sanitized/common.a" $libraries -o build/bonus/lab04-router/bonus/grpc
}
grpc() { python3 grader/bonus/bonus.py lab04-router >said 2>&1; }
# mistake_grpc RULE SED...: as mistake.
mistake_grpc() {
  rule=$1
  shift
  sed "$@" "$solution" >mistake.c
  ! cmp -s "$solution" mistake.c && compile mistake.c && grpc && grep -q "✘ $rule " said && ! says "3 of 3"
}
no_program() { rm build/bonus/lab04-router/bonus/grpc; grpc; }

check "gRPC: the starter is the one derived from its solution" \
  cmp -s "$root/lab04-router/bonus/grpc.c" <(sh "$root/grader/tools/dev/starter.sh" "$solution")
check "gRPC: the starter compiles" compile "$root/lab04-router/bonus/grpc.c"
check "gRPC: the starter gets no points" sh -c 'python3 grader/bonus/bonus.py lab04-router 2>&1 | grep -q "0 of 3"'
check "gRPC: the solution compiles" compile "$solution"
grpc
check "gRPC: the solution gets all points" says "3 of 3"
check "gRPC: the handout shows what the solution gets" \
  cmp -s <(sed -n '/^  ✔ type/,/^  3 of 3/p' "$root/lab04-router/bonus/README.md") <(sed 1d said)
check "gRPC: TODO 1 to 3 done get a point for their rules" sh -c '
  sh "$1/grader/tools/dev/starter.sh" --done 3 "$2" >done.c' sh "$root" "$solution"
compile done.c
grpc
check "gRPC: they hold before the last TODO is done" says "✔ compressed"
check "gRPC: what needs the last TODO does not hold" says "✘ reply"
check "gRPC: mistake: the message ends the stream" mistake_grpc reply 's/  stream_write(stream, message, length);/  stream_end(stream, message, length);/'
check "gRPC: mistake: the status comes first" mistake_grpc reply -e 's/stream_respond(stream, 200, fields, 1, STREAM_/stream_respond(stream, 200, trailers, 1, STREAM_/' -e 's/  stream_trailers(.*/  stream_end(stream, NULL, 0);/'
check "gRPC: mistake: an error has an empty body" mistake_grpc unknown 's/stream_respond(stream, 200, fields, 2, 0);/stream_respond(stream, 200, fields, 2, STREAM_LENGTH_UNKNOWN); stream_end(stream, NULL, 0);/'
check "gRPC: mistake: an unknown method is 404" mistake_grpc unknown 's/^  refuse(stream, GRPC_UNIMPLEMENTED);/  stream_respond(stream, 404, NULL, 0, 0);/'
check "gRPC: mistake: any content-type will do" mistake_grpc type 's/if (!type || strncmp.*/if (!type) {/'
check "gRPC: mistake: the length has the other byte order" mistake_grpc reply -e 's/bytes\[1\] << 24/bytes[4] << 24/' -e 's/| bytes\[4\]/| bytes[1]/'
check "gRPC: mistake: the length is not compared" mistake_grpc broken 's/return \*length == body->length - PREFIX_LENGTH ? GRPC_OK : GRPC_INTERNAL;/return GRPC_OK;/'
check "gRPC: mistake: the flag is not looked at" mistake_grpc compressed 's/  if (bytes\[0\] != 0)/  if (bytes[0] > 1)/'
check "gRPC: mistake: each DATA frame is taken for a message" mistake_grpc pieces 's/  if (buffer_append(&call->body, data, length) != 0)/  buffer_clear(\&call->body);\n&/'
check "gRPC: mistake: the body is kept for all calls together" mistake_grpc together -e 's/^static void on_call_data/static struct buffer all;\n&/' -e 's/buffer_append(&call->body, data/buffer_append(\&all, data/' -e 's/find_message(&call->body/find_message(\&all/'
check "gRPC: mistake: the body is not freed" mistake_grpc end 's/  buffer_free(&call->body);//'
check_not "gRPC: without a program there is an error" no_program
done_testing
