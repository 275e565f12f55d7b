#!/bin/bash
# Each bonus: the solution gets all points, the starter none, and each known mistake breaks the rule meant for it. To save
# time, these are every second mistake in a program; ALL=1 tries all.
set -u
root=$PWD
# shellcheck source=grader/tools/dev/tap.sh
. grader/tools/dev/tap.sh
# shellcheck source=grader/tools/dev/tap_later.sh
. grader/tools/dev/tap_later.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/grader "$work"/build "$work"/lab02-x/bonus && cd "$work" || exit 1
cp -r "$root/grader/bonus" grader/
ln -s "$root/build/grader" build/grader
right=$root/lab02-requests/bonus/solution/hpack.txt
mine=lab02-x/bonus/hpack.txt

bonus() { python3 grader/bonus/bonus.py --exercise hpack lab02-x >said 2>&1; }
says() { grep -qF -- "$1" said; }
full() { cp "$right" $mine && bonus && says "3 of 3" && ! says ✘; }
nothing() { cp "$root/lab02-requests/bonus/hpack.txt" $mine && bonus && says "0 of 3"; }

# wrong RULE SED...: change the solution; it must break this rule and lose points.
wrong() {
  rule=$1
  shift
  sed "$@" "$right" >$mine
  bonus
  ! cmp -s "$right" $mine && grep -q "✘ $rule " said && ! says "3 of 3"
}

check "the solution gets all points" full
check "the starter gets no points" nothing
check "mistake: the second block has the :path of the first" wrong fields 's/2f 62/2f 61/'
check "mistake: a wrong length" wrong fields '0,/04 02/s//04 03/'
check "mistake: :authority is not in the table" wrong authority -e 's/^41/01/' -e 's/^be/01 07 68 32 2e 74 65 73 74/'
check "mistake: :path is in the table" wrong path 's/^04/44/'
check "mistake: authorization is without indexing, but not never-indexed" wrong secret 's/^1f/0f/'
check "mistake: authorization is in the table" wrong secret 's/^1f 08/57/'
check "mistake: the name of :path is a literal" wrong short 's/^04 02 2f 62/00 05 3a 70 61 74 68 02 2f 62/'
check "mistake: the second block does not use the table" wrong state 's/^be/01 07 68 32 2e 74 65 73 74/'
check "mistake: the dynamic table begins at 61" wrong fields 's/^be/bd/'
check "mistake: the index of authorization is cut off" wrong fields 's/^1f 08/1f/'
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
check "and the points of each exercise" grep -q '"hpack"' build/grade/results.json

# The others are programs, which are compiled first. (The library has the sanitizers, so leaks and wrong frees show.)
libraries=$(pkg-config --cflags --libs libnghttp2 openssl libuv jansson)

compile() { # FILE
  cp "$1" "$folder/bonus/$name.c"
  # shellcheck disable=SC2086
  ${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -I"$root" -c "$1" -o program.o &&
    ${CC:-gcc} -fsanitize=address,undefined program.o "$root/build/obj/sanitized/common.a" $libraries \
      -o "build/bonus/$folder/bonus/$name"
}
graded() { BUILD=$PWD/build python3 "$work/grader/bonus/bonus.py" --exercise "$name" "$folder" >said 2>&1; }
# with_todos N: the solution with TODO 1 to N done.
with_todos() { sh "$root/grader/tools/dev/starter.sh" --done "$1" "$solution" >done.c && compile done.c && graded; }
# broken RULE SED...: change the solution; it must lose points, and the first rule that it breaks must be this one.
broken() {
  rule=$1
  shift
  sed "$@" "$solution" >mistake.c
  ! cmp -s "$solution" mistake.c && compile mistake.c && graded && ! says "3 of 3" &&
    [ "$(grep -o -m 1 '✘ [a-z]*' said)" = "✘ $rule" ] && return
  cat said
  return 1
}

# Each case is for itself, in a folder of its own. Some look at the time, so no more run at once than there are processors.
AT_ONCE=$(nproc)
case_of() { # COMMAND...
  place=$(mktemp -d "$work/case.XXXXXX") || return 1
  mkdir -p "$place/$folder/bonus" "$place/build/bonus/$folder/bonus"
  ln -s "$root/build/grader" "$place/build/grader"
  cd "$place" && "$@"
}

# program TITLE FOLDER NAME: FOLDER/bonus/NAME.c has what every bonus has; the checks that follow are about it.
program() {
  title=$1 folder=$2 name=$3
  solution=$root/$folder/bonus/solution/$name.c
  mkdir -p "$folder/bonus" "build/bonus/$folder/bonus"
  check "$title: the starter is the one derived from its solution" \
    cmp -s "$root/$folder/bonus/$name.c" <(sh "$root/grader/tools/dev/starter.sh" "$solution")
  check "$title: it has a handout" [ -f "$root/$folder/bonus/$name.md" ]
  later "$title: the starter compiles, gets no points, and keeps no rule" case_of keeps "$root/$folder/bonus/$name.c" 0 ✔
  later "$title: the solution compiles, gets all points, and keeps every rule" case_of keeps "$solution" 3 ✘
}
keeps() { # FILE POINTS SIGN: no rule has this sign
  compile "$1" && graded && says "$2 of 3" && ! says "$3" && return
  cat said
  return 1
}
# right TITLE SED...: change the solution; it must keep all points.
right() { later "$title: right: $1" case_of still_right "${@:2}"; }
still_right() {
  sed "$@" "$solution" >right.c
  ! cmp -s "$solution" right.c && compile right.c && graded && says "3 of 3" && ! says ✘ && return
  cat said
  return 1
}
mistakes=0
mistake() {
  mistakes=$((mistakes + 1))
  [ -z "${ALL:-}" ] && [ $((mistakes % 2)) -eq 0 ] || later "$title: mistake: $1" case_of broken "${@:2}"
}
# todos N RULE...: with TODO 1 to N done, these rules hold, and no others.
only() {
  with_todos "$1" && [ "$(sed -n 's/^  ✔ \([a-z]*\).*/\1/p' said | paste -sd' ')" = "${*:2}" ] && return
  cat said
  return 1
}
todos() { later "$title: TODO 1 to $1 get the points for their rules" case_of only "$@"; }

program "slow reader" lab02-requests slow
todos 1 window
todos 2 window piece
todos 3 window piece stream pause connection body end
right "WINDOW_UPDATE for each piece, by hand" 's/^  if (nghttp2_session_consume(session, reader->stream_id, length) != 0)/  if (nghttp2_submit_window_update(session, 0, reader->stream_id, (int32_t)length) ||\n      nghttp2_submit_window_update(session, 0, 0, (int32_t)length))/'
mistake "nghttp2 gives back the windows by itself" window '/nghttp2_option_set_no_auto/d'
mistake "the window is not announced" window 's/(uint32_t)reader->window/65535/'
mistake "what arrives is given back at once" window 's/^  go_on(reader);\n  return 0;/&/; /NGHTTP2_ERR_CALLBACK_FAILURE;/a\  give_back(reader, length);'
mistake "all that is here is written out" piece 's/^  if (length > reader->wanted)/  if (false)/'
mistake "a line counts only for what is here" pause 's/^  if (length == 0)/  if (length == 0) reader->wanted = 0;\n&/'
mistake "what is written out stays" piece '/^  drop(reader, length);/d'
mistake "it is given back before it is written out" piece '/^  fflush(stdout);/d'
mistake "a whole piece is given back, even if there was less" piece 's/^  give_back(reader, length);/  give_back(reader, (size_t)reader->piece + 1);/'
mistake "only the connection gets its window back" stream 's/nghttp2_session_consume(session, reader->stream_id, /nghttp2_session_consume_connection(session, /'
mistake "only the stream gets its window back" connection 's/nghttp2_session_consume(session/nghttp2_session_consume_stream(session/'
mistake "nobody sends the frame" stream '/^static void give_back.*{$/,/^}/s/^  connection_send(reader->connection);//'
mistake "the window of a stream is given back for the connection" reset 's/nghttp2_session_consume_connection(session, reader->held.length)/nghttp2_session_consume_stream(session, reader->stream_id, reader->held.length)/'
mistake "more than what was held comes back" reset 's/nghttp2_session_consume_connection(session, reader->held.length)/nghttp2_submit_window_update(session, 0, 0, 65535)/'

program "rapid reset" lab03-server calm
todos 1 work
todos 2 work gone flood others end
todos 3 work gone flood others provoked end
mistake "the timer is stopped, but not closed" end 's/^  uv_close(.*/  uv_timer_stop(\&work->timer);/'
mistake "the server says goodbye politely" flood 's/^  nghttp2_session_terminate_session(.*/  connection_close(client->connection);/'
mistake "all clients are counted together" others 's/^  client->cancelled++;/  client = list_first(\&guard->clients);\n&/'
mistake "only CANCEL counts" provoked 's/error_code != NGHTTP2_NO_ERROR/error_code == NGHTTP2_CANCEL/'
mistake "each window begins when the one before it has ended" sliding '/^  uint64_t \*oldest/,/^  client->next =/c\  if (now - client->times[0] >= guard->window) {\n    client->times[0] = now;\n    client->cancelled = 1;\n  }\n  bool too_much = client->cancelled > guard->limit;'

program gRPC lab04-router grpc
todos 3 type unknown broken compressed
mistake "the message ends the stream" reply 's/  stream_write(stream, message, length);/  stream_end(stream, message, length);/'
mistake "the status comes first" reply -e 's/stream_respond(stream, 200, fields, 1, STREAM_/stream_respond(stream, 200, trailers, 1, STREAM_/' -e 's/  stream_trailers(.*/  stream_end(stream, NULL, 0);/'
mistake "an error has an empty body" unknown 's/stream_respond(stream, 200, fields, 2, 0);/stream_respond(stream, 200, fields, 2, STREAM_LENGTH_UNKNOWN); stream_end(stream, NULL, 0);/'
mistake "an unknown method is 404" unknown 's/^  refuse(stream, GRPC_UNIMPLEMENTED);/  stream_respond(stream, 404, NULL, 0, 0);/'
mistake "any content-type will do" type 's/if (!type || strncmp.*/if (!type) {/'
mistake "the length has the other byte order" reply -e 's/bytes\[1\] << 24/bytes[4] << 24/' -e 's/| bytes\[4\]/| bytes[1]/'
mistake "the length is not compared" broken 's/return \*length == body->length - PREFIX_LENGTH ? GRPC_OK : GRPC_INTERNAL;/return GRPC_OK;/'
mistake "the flag is not looked at" compressed 's/  if (bytes\[0\] != 0)/  if (bytes[0] > 1)/'
mistake "each DATA frame is taken for a message" pieces 's/  if (buffer_append(&call->body, data, length) != 0)/  buffer_clear(\&call->body);\n&/'
mistake "the body is kept for all calls together" compressed -e 's/^static void on_call_data/static struct buffer all;\n&/' -e 's/buffer_append(&call->body, data/buffer_append(\&all, data/' -e 's/find_message(&call->body/find_message(\&all/'
mistake "the body is not freed" end 's/  buffer_free(&call->body);//'
check_not "gRPC: without a program there is an error" graded

program "early hints" lab04-router hints
todos 1 hints links fast together
todos 2 hints links fast head together
todos 3 hints links fast head patience soon together cancel
todos 4 hints links fast head patience final soon together cancel
right "all links in one field" 's/^  stream_inform(stream, 103, links, count);/  char all[200] = "";\n  for (size_t i = 0; i < count; i++) {\n    strcat(all, i ? ", " : "");\n    strcat(all, page->links[i]);\n  }\n  nghttp2_nv one = field_make("link", all);\n  stream_inform(stream, 103, \&one, 1);/'
mistake "another status" hints 's/stream_inform(stream, 103/stream_inform(stream, 102/'
mistake "the hints are a response" hints 's/stream_inform(stream, 103, links, count)/stream_respond(stream, 103, links, count, 0)/'
mistake "the hints come again and again" hints 's/(uint64_t)settings->patience, 0)/(uint64_t)settings->patience, 50)/'
mistake "the hints say how long the page is" links -e 's/^  stream_inform(stream, 103.*/  links[count++] = field_make("content-length", "15");\n&/'
mistake "all get the links of the front page" links 's/^  size_t count = make_links(page, links);/  size_t count = make_links(\&pages[0], links);/'
mistake "only one link" links 's/stream_inform(stream, 103, links, count)/stream_inform(stream, 103, links, 1)/'
mistake "every page has hints" fast 's/^  if (!page)/  if (page \&\& page->links[0])\n    send_hints(stream, page);\n&/; s/^  if (!wants_hints(/  if (true || !wants_hints(/'
mistake "HEAD has hints" head 's/ && strcmp(stream_method(stream), "HEAD") != 0//'
mistake "a page without links has hints" head 's/return page->links\[0\] && /return /'
mistake "the patience is that of the work" hints 's/(uint64_t)settings->patience, 0)/(uint64_t)settings->work, 0)/'
mistake "the links are only in the hints" final 's/^  count += make_links.*//'
mistake "the timer of the hints goes on after the end" cancel 's/^  uv_close((uv_handle_t \*)&visit->patience, on_timer_closed);/  uv_unref((uv_handle_t *)\&visit->patience);/'
mistake "the hints count as the answer" hints 's/^  send_hints(visit->stream, visit->page);/&\n  uv_timer_stop(\&visit->work);/'
mistake "who gives up gets hints" cancel 's/stream_set_events(stream, &events, visit);//'

program retry lab05-timeouts retry
todos 2 refused goaway connect answer
todos 3 refused goaway connect answer post idempotent half limit end
mistake "a lost connection counts as refused" post 's/NGHTTP2_REFUSED_STREAM;/NGHTTP2_REFUSED_STREAM || request->error_code == NGHTTP2_CANCEL;/'
mistake "only what the server says counts" connect 's/!request->connected || //'
mistake "every method is idempotent" post 's/^  return false;/  return true;/'
mistake "what has come of the response stays" half 's/^  buffer_clear(.*//'
mistake "the pauses are all the same" pause 's/most \*= 2/most *= 1/'
mistake "chance has no part in the pauses" pause 's/most - (uint64_t)rand.*/most;/'

program drain lab05-timeouts drain
todos 1 idle busy whole end
todos 2 idle busy half whole end
todos 3 idle busy half whole notice late end
todos 4 idle busy half whole notice late last refuse finish exit end
right "GOAWAY by hand" 's/^  connection_close(client->connection);/  nghttp2_submit_goaway(session_of(client), 0, nghttp2_session_get_last_proc_stream_id(session_of(client)), 0, NULL, 0);\n  connection_send(client->connection);/'
mistake "who is idle is to blame" idle '/^static void on_idle/,/^}/s/^  connection_close(client->connection);/  nghttp2_session_terminate_session(session_of(client), NGHTTP2_ENHANCE_YOUR_CALM);\n  connection_send(client->connection);/'
mistake "a frame does not start the clock again" idle 's/^  if (client->open > 0)$/  if (uv_is_active((uv_handle_t *)\&client->clock) \&\& client->open == 0)\n    return;\n&/'
mistake "who waits for a response is idle" busy 's/^    uv_timer_stop(&client->clock);/    uv_timer_start(\&client->clock, on_idle, (uint64_t)client->server->idle, 0);/'
mistake "the end of a stream does not start the clock" busy '/^static int on_stream_close/,/^}/s/^  look(client);//'
mistake "only the stream of the slow block ends" half 's/^  nghttp2_session_terminate_session(session_of(client), NGHTTP2_ENHANCE_YOUR_CALM);/  nghttp2_submit_rst_stream(session_of(client), 0, 1, NGHTTP2_ENHANCE_YOUR_CALM);/'
mistake "nobody sends the GOAWAY" half '/^static void on_slow_block/,/^}/s/^  connection_send(client->connection);//'
mistake "the clock of a block goes on" busy 's/^  client->in_block = false;//'
mistake "the first GOAWAY names the last stream" notice 's/nghttp2_submit_shutdown_notice(session_of(client))/nghttp2_submit_goaway(session_of(client), 0, nghttp2_session_get_last_proc_stream_id(session_of(client)), 0, NULL, 0)/'
mistake "the first GOAWAY is an ordinary one" late 's/nghttp2_submit_shutdown_notice(session_of(client))/nghttp2_submit_goaway(session_of(client), 0, 0x7fffffff, 0, NULL, 0)/'
mistake "nobody asks whether it has come" notice 's/^  nghttp2_submit_ping(.*//'
mistake "the last GOAWAY does not wait" late '/^static void give_notice/,/^}/s/^  connection_send(client->connection);/&\n  connection_close(client->connection);/'
mistake "the last GOAWAY ends the streams, too" finish '/^static void on_ping_answer/,/^}/s/^  connection_close(client->connection);/&\n  nghttp2_submit_rst_stream(session_of(client), 0, 1, NGHTTP2_CANCEL);/'
mistake "clients are not forgotten" second '/^static void end_at_once/,/^}/s/^    forget_client(client);/    list_remove(\&client->link);/'
mistake "the deadline says goodbye" second '/^static void end_at_once/,/^}/c\static void end_at_once(struct server *server) {\n  struct client *client = list_first(\&server->clients);\n  for (; client; client = list_next(\&server->clients, \&client->link))\n    connection_close(client->connection);\n}'

program "mutual TLS" lab06-tls mutual
todos 1 required stranger
todos 2 required stranger lifetime name return
todos 4 required stranger lifetime name return shows end
mistake "a client without a certificate comes in" required 's/ | SSL_VERIFY_FAIL_IF_NO_PEER_CERT//'
mistake "every certificate will do" stranger -e 's/^static int ask_for/static int yes(int ok, X509_STORE_CTX *store) { return 1; }\n&/' -e 's/NO_PEER_CERT, NULL/NO_PEER_CERT, yes/'
mistake "everybody has the name of the first client" name -e 's/^static bool find_name/static char first[NAME_SIZE];\n&/' -e 's/^  return X509_NAME_get.*/  if (!*first) X509_NAME_get_text_by_NID(owner, NID_commonName, first, NAME_SIZE);\n  strcpy(name, first);\n  return true;/'
mistake "the certificate is not freed" end 's/SSL_get0_peer_certificate/SSL_get1_peer_certificate/'
mistake "OpenSSL frees the session that is kept" resumes '/memory->from = memory->here;/,/return 1/s/return 1/return 0/'
mistake "a ticket of one host is shown to another" host '/memory->from->host, /,/return;/c\  if (!memory->session)\n    return;'
results

# A lab may have several. Only those are looked at that somebody has begun.
folder=lab02-requests name=slow
mkdir -p grader/starters/$folder/bonus
cp "$root"/$folder/bonus/{hpack.txt,slow.c} $folder/bonus
cp "$root"/$folder/bonus/{hpack.txt,slow.c} grader/starters/$folder/bonus
both() { python3 grader/bonus/bonus.py "$@" $folder >said 2>&1; }
kept() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1])))' build/grade/bonus/lab02.json | grep -qF -- "$1"; }
rm -rf build/grade/bonus
check "an exercise that is not begun is no error" both
check "it is named, with its handout" says "$folder/bonus/slow.c: not begun ($folder/bonus/slow.md)"
check "it has no points, not even 0" [ ! -e build/grade/bonus/lab02.json ]
cp "$right" $folder/bonus/hpack.txt
compile "$root/$folder/bonus/solution/slow.c"
check "both are looked at when both are begun" both
check "the points are those of both" kept "'points': 6, 'possible': 6"
check "each has its own" kept "'slow': {'points': 3, 'possible': 3}"
cp "$root"/$folder/bonus/hpack.txt $folder/bonus
check "one that is begun anew is an exercise less" both
check "its points are gone" kept "'points': 3, 'possible': 3"
check "one of them can be chosen" both --exercise slow
check_not "then the other is not mentioned" says hpack
check_not "one that does not exist is an error" both --exercise none
done_testing
