/* How many bytes on a local connection nobody has read yet. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/wire/unread.h"

TestSuite(unread, .timeout = 60);

/* Two connected sockets of this machine. */
static void connect_pair(int pair[2]) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof name;
  int listening = socket(AF_INET, SOCK_STREAM, 0);
  pair[0] = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert(bind(listening, (struct sockaddr *)&name, size) == 0 && listen(listening, 1) == 0 &&
                getsockname(listening, (struct sockaddr *)&name, &size) == 0 &&
                connect(pair[0], (struct sockaddr *)&name, size) == 0,
            "cannot connect");
  pair[1] = accept(listening, NULL, NULL);
  close(listening);
}

Test(unread, counts_what_the_other_end_has_not_read) {
  int pair[2];
  char bytes[8];
  connect_pair(pair);
  cr_assert(unread_bytes(pair[0]) == 0, "unread bytes, but nobody has sent any");
  cr_assert(send(pair[0], "abc", 3, 0) == 3, "cannot send");
  long unread = unread_bytes(pair[0]);
  cr_assert(unread == 3, "three bytes were sent, but %ld are unread", unread);
  cr_assert(recv(pair[1], bytes, 2, 0) == 2, "cannot receive");
  unread = unread_bytes(pair[0]);
  cr_assert(unread == 1, "one byte is left, but %ld are unread", unread);
  cr_assert(unread_bytes(pair[1]) == 0, "unread bytes the other way");
  close(pair[0]);
  close(pair[1]);
}

Test(unread, tells_nothing_of_what_is_not_connected) {
  int alone = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert(unread_bytes(alone) == -1, "-1 for a socket that is not connected");
  cr_assert(unread_bytes(-1) == -1, "no descriptor");
  close(alone);
}
