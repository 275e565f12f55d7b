/* sock_diag: see sock_diag.h. */
#include "grader/base/sock_diag.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct question {
  struct nlmsghdr header;
  struct inet_diag_req_v2 request;
};

/* What waits at the netlink socket: some messages of the kernel's. */
union messages {
  struct nlmsghdr header;
  char bytes[16384];
};

static bool send_question(int kernel, int flags, struct inet_diag_req_v2 request) {
  request.sdiag_protocol = IPPROTO_TCP;
  request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  struct question question = {.header = {.nlmsg_len = sizeof question,
                                         .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                         .nlmsg_flags = (__u16)(NLM_F_REQUEST | flags)},
                              .request = request};
  return send(kernel, &question, sizeof question, 0) == sizeof question;
}

/* Passes on the sockets among the messages. True if the last of a list is among them too. */
static bool pass_on(const union messages *messages, ssize_t received, bool *is_answered,
                    sock_diag_found *call, void *user) {
  const struct nlmsghdr *message = &messages->header;
  for (int left = (int)received; NLMSG_OK(message, (unsigned)left);
       message = NLMSG_NEXT(message, left)) {
    *is_answered = message->nlmsg_type != NLMSG_ERROR;
    if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY)
      call(NLMSG_DATA(message), user);
    else
      return true;
  }
  return false;
}

bool sock_diag_ask(enum sock_diag_which which, struct inet_diag_req_v2 request,
                   sock_diag_found *call, void *user) {
  union messages messages;
  bool is_answered = false;
  bool is_last = false;
  int kernel = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (kernel < 0)
    return false;
  if (send_question(kernel, which == SOCK_DIAG_ALL ? NLM_F_DUMP : 0, request))
    do {
      ssize_t received = recv(kernel, &messages, sizeof messages, 0);
      is_last = received <= 0 || pass_on(&messages, received, &is_answered, call, user);
    } while (!is_last && which == SOCK_DIAG_ALL);
  close(kernel);
  return is_answered;
}
