/*
 * fixed MODE NAME [ARGUMENT]...: knows no HTTP/2, and always does one fixed thing:
 *   nothing   exits with 0
 *   error     prints "NAME: it: failed" to standard error, exits with 1
 *   usage     prints "usage: NAME" to standard error, exits with 2
 *   preface   connects to the port of the URL among its arguments, sends the preface and an empty
 *             SETTINGS frame, reads what comes, then does as `error`
 *   patient   does the same as `preface`, but prints "request timed out" to standard output
 *   ack       does the same as `preface`, but acknowledges settings, sends GOAWAY, exits with 0
 *   serve     says where it listens, sends each client an empty SETTINGS frame, and closes; SIGTERM
 *             ends it with 0
 *   answer    says where it listens, sends each client settings, an acknowledgement, lab 3's
 *             response on stream 1 and GOAWAY, whatever comes
 *   deaf      says where it listens, and never accepts a connection; SIGTERM ends it with 0
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
static const char settings[] = "\0\0\0\4\0\0\0\0\0";
static const char ack[] = "\0\0\0\4\1\0\0\0\0";
static const char goaway[] = "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\0";

static char response[] = "\0\0\41\1\4\0\0\0\1\210\17\22\35Sun, 06 Nov 1994 08:49:37 GMT"
                         "\0\0\14\0\1\0\0\0\1Hello World!";

static void on_signal(int number) {
  (void)number;
  _exit(0);
}

static int connect_to(const char *url) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  char port[16] = "";
  sscanf(url + strcspn(url, ":") + 3, "%*[^:]:%15[0-9]", port);
  if (getaddrinfo("localhost", port, &hints, &found) != 0)
    return -1;
  for (; found; found = found->ai_next) {
    int file = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(file, found->ai_addr, found->ai_addrlen) == 0)
      return file;
    close(file);
  }
  return -1;
}

static void be_client(int argc, char **argv, int acknowledge) {
  char chunk[4096];
  for (int i = 3; i < argc; i++) {
    if (!strstr(argv[i], "://"))
      continue;
    int file = connect_to(argv[i]);
    write(file, preface, sizeof preface - 1);
    if (acknowledge) {
      read(file, chunk, sizeof chunk);
      write(file, ack, sizeof ack - 1);
      write(file, goaway, sizeof goaway - 1);
    } else {
      alarm(2);
      while (read(file, chunk, sizeof chunk) > 0)
        continue;
    }
    close(file);
  }
}

/* Send the same response to all clients, except for the date, when a request may have come. */
static void answer(int client) {
  char chunk[4096];
  time_t now = time(NULL);
  strftime(chunk, sizeof chunk, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
  memcpy(strstr(response + 9, "Sun"), chunk, strlen(chunk));
  write(client, settings, sizeof settings - 1);
  write(client, ack, sizeof ack - 1);
  read(client, chunk, sizeof chunk);
  write(client, response, sizeof response - 1);
  write(client, goaway, sizeof goaway - 1);
  shutdown(client, SHUT_WR);
  while (read(client, chunk, sizeof chunk) > 0)
    continue;
}

static void be_server(int accepts, int answers) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int file = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  bind(file, (struct sockaddr *)&address, sizeof address);
  listen(file, 128);
  getsockname(file, (struct sockaddr *)&address, &length);
  printf("listening on http://localhost:%d\n", ntohs(address.sin_port));
  printf("listening on https://localhost:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int client = accepts ? accept(file, NULL, NULL) : pause();
    if (answers)
      answer(client);
    write(client, settings, sizeof settings - 1);
    close(client);
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 2 ? argv[1] : "nothing";
  if (strcmp(mode, "nothing") == 0)
    return 0;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGALRM, SIG_DFL);
  if (strcmp(mode, "serve") == 0 || strcmp(mode, "deaf") == 0 || strcmp(mode, "answer") == 0)
    be_server(mode[0] != 'd', mode[0] == 'a');
  if (strcmp(mode, "ack") == 0) {
    be_client(argc, argv, 1);
    puts("session closed");
    return 0;
  }
  if (strcmp(mode, "usage") == 0) {
    fprintf(stderr, "usage: %s\n", argv[2]);
    return 2;
  }
  signal(SIGALRM, SIG_IGN);
  if (strcmp(mode, "preface") == 0 || strcmp(mode, "patient") == 0)
    be_client(argc, argv, 0);
  if (strcmp(mode, "patient") == 0)
    puts("request timed out");
  else
    fprintf(stderr, "%s: it: failed\n", argv[2]);
  return 1;
}
