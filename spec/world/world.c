/*
 * The links of a world: one process that owns network namespaces with TUN devices in them, and carries IP packets from
 * device to device. Each directed link delays, limits, loses, reorders or cuts its packets, and can be changed at any time.
 *
 *   world check                    exits with 0 when this machine allows namespaces and TUN devices
 *   world exec <namespace> <command> [argument]...
 *                                  runs a command in a namespace (a path such as /proc/<pid>/fd/<n>); the command is
 *                                  killed when its parent ends, even while it is stopped by a signal
 *   world run                      obeys the lines of its standard input, {"id":<number>,"do":"<command>"}, each answered
 *                                  by a line {"event":"answer","id":<number>,"value":...} or {...,"refused":"why"}:
 *
 *     namespace                                        its path
 *     port <namespace> <device> <segment> <gateway>    the port's number; gateway is 0 or 1
 *     address <port> <ip>      forget <port> <ip>
 *     link <from> <to> <name>=<number>...              names as in `settings` below; times in ms, rates in bytes a second
 *     seed <number>
 *     stats                                            {"links":[...],"strays":n,"spoofed":n}
 *
 * A port is a device. A packet stays in the segment of its port: it goes to the port that has its destination, else to
 * the gateway of the segment, else nowhere. The namespaces have no names: they vanish with this process, and this process
 * ends with its standard input. So nothing can be left behind.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_PORTS 64
#define MAX_ADDRESSES 16
#define MAX_PACKET 65536
#define LINE 4096
#define MS 1000000.0

struct packet {
  struct packet *next;
  size_t size;
  uint8_t bytes[];
};

/* What `link` sets. All numbers are doubles, so that one table can name them. Times are in ms. */
struct settings {
  double delay, jitter;                        /* jitter: up to so much more; the order is kept */
  double rate, queue;                          /* bytes a second, 0: no limit; bytes that may wait */
  double loss;                                 /* share of packets */
  double burst_every, burst_length, burst_loss; /* Gilbert-Elliott in time: means of the good and the bad times */
  double reorder, reorder_by;                  /* share of packets that come later than their successors, and how much */
  double cut;
};

static const struct {
  const char *name;
  size_t offset;
} names[] = {
#define NAME(field) {#field, offsetof(struct settings, field)}
    NAME(delay), NAME(jitter),      NAME(rate),         NAME(queue),      NAME(loss),
    NAME(cut),   NAME(burst_every), NAME(burst_length), NAME(burst_loss), NAME(reorder),
    NAME(reorder_by),
#undef NAME
};

struct link {
  int from, to;
  struct settings set;
  struct packet *head, *tail; /* wait to be transmitted; the head is being transmitted */
  uint64_t queued;            /* their bytes */
  uint64_t done;              /* when the head will have been transmitted, ns */
  uint64_t turn;              /* number of the transmission that `done` is about */
  uint64_t last;              /* when the last packet in order arrives, ns */
  bool bad;                   /* in a burst of losses */
  uint64_t changes;           /* when that ends or begins, ns */
  uint64_t sent, sent_bytes, arrived, arrived_bytes, lost, cut, overflowed, reordered;
};

struct address {
  int family;
  uint8_t bytes[16];
};

struct port {
  int fd, segment;
  bool gateway;
  struct address addresses[MAX_ADDRESSES];
  int amount;
};

/* Something that is due: a link has transmitted its head, or a packet has crossed its link. */
struct due {
  uint64_t at, order;
  struct link *link;
  struct packet *packet; /* null: transmitted */
  uint64_t turn;
};

static struct port ports[MAX_PORTS];
static int port_count;
static struct link *links[MAX_PORTS][MAX_PORTS];
static struct due *heap;
static size_t heap_size, heap_room;
static uint64_t order, strays, spoofed;
static uint64_t random_state = 0x9E3779B97F4A7C15u;

static void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Between 0 and 1 (xorshift64*). */
static double chance(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (double)((random_state * 0x2545F4914F6CDD1Du) >> 11) / 9007199254740992.0;
}

static uint64_t exponential(double mean_ms) { return (uint64_t)(-log(1 - chance()) * mean_ms * MS); }

/* ---- what is due when: a binary heap ---- */

static bool before(const struct due *a, const struct due *b) {
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct due due) {
  due.order = order++;
  if (heap_size == heap_room) {
    heap_room = heap_room ? heap_room * 2 : 1024;
    heap = realloc(heap, heap_room * sizeof *heap);
    if (!heap) die("realloc");
  }
  size_t i = heap_size++;
  for (; i > 0 && before(&due, &heap[(i - 1) / 2]); i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
  heap[i] = due;
}

static struct due pop(void) {
  struct due top = heap[0], last = heap[--heap_size];
  size_t i = 0;
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= heap_size) break;
    if (child + 1 < heap_size && before(&heap[child + 1], &heap[child])) child++;
    if (!before(&heap[child], &last)) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = last;
  return top;
}

/* ---- the way of a packet: transmit, cross, arrive ---- */

static void transmit_head(struct link *link, uint64_t from) {
  double rate = link->set.rate;
  link->done = from + (rate > 0 ? (uint64_t)((double)link->head->size / rate * 1e9) : 0);
  push((struct due){.at = link->done, .link = link, .turn = ++link->turn});
}

static void enter(struct link *link, const uint8_t *bytes, size_t size, uint64_t now) {
  link->sent++;
  link->sent_bytes += size;
  if (link->set.cut) {
    link->cut++;
    return;
  }
  if (link->set.rate > 0 && link->head && (double)(link->queued + size) > link->set.queue) {
    link->overflowed++;
    return;
  }
  struct packet *packet = malloc(sizeof *packet + size);
  if (!packet) die("malloc");
  packet->next = NULL;
  packet->size = size;
  memcpy(packet->bytes, bytes, size);
  bool idle = !link->head;
  if (idle) link->head = packet;
  else link->tail->next = packet;
  link->tail = packet;
  link->queued += size;
  if (idle) transmit_head(link, now);
}

static bool is_lost(struct link *link, uint64_t now) {
  struct settings *set = &link->set;
  if (set->burst_every > 0) {
    while (now >= link->changes) {
      link->bad = !link->bad;
      link->changes += exponential(link->bad ? set->burst_length : set->burst_every) + 1;
    }
    if (link->bad && chance() < set->burst_loss) return true;
  }
  return set->loss > 0 && chance() < set->loss;
}

static void cross(struct link *link, struct packet *packet, uint64_t at) {
  struct settings *set = &link->set;
  if (is_lost(link, at)) {
    link->lost++;
    free(packet);
    return;
  }
  at += (uint64_t)((set->delay + (set->jitter > 0 ? chance() * set->jitter : 0)) * MS);
  if (at < link->last) at = link->last;
  if (set->reorder > 0 && chance() < set->reorder) {
    link->reordered++;
    at += (uint64_t)(set->reorder_by * MS);
  } else {
    link->last = at;
  }
  push((struct due){.at = at, .link = link, .packet = packet});
}

static void transmitted(struct link *link) {
  struct packet *packet = link->head;
  uint64_t done = link->done;
  link->head = packet->next;
  link->queued -= packet->size;
  if (link->head) transmit_head(link, done);
  cross(link, packet, done);
}

static void arrive(struct link *link, struct packet *packet) {
  if (link->set.cut) {
    link->cut++;
  } else {
    /* A device that is down takes nothing. */
    ssize_t written = write(ports[link->to].fd, packet->bytes, packet->size);
    if (written == (ssize_t)packet->size) {
      link->arrived++;
      link->arrived_bytes += packet->size;
    } else {
      link->lost++;
    }
  }
  free(packet);
}

static void run_due(void) {
  while (heap_size > 0 && heap[0].at <= now_ns()) {
    struct due due = pop();
    if (due.packet) arrive(due.link, due.packet);
    else if (due.turn == due.link->turn && due.link->head) transmitted(due.link);
  }
}

/* ---- ports and addresses ---- */

static struct link *link_of(int from, int to) {
  if (!links[from][to]) {
    struct link *link = calloc(1, sizeof *link);
    if (!link) die("calloc");
    link->from = from;
    link->to = to;
    links[from][to] = link;
  }
  return links[from][to];
}

static int address_at(struct port *port, const struct address *address) {
  for (int i = 0; i < port->amount; i++) {
    if (memcmp(&port->addresses[i], address, sizeof *address) == 0) return i;
  }
  return -1;
}

static bool address_in_packet(const uint8_t *bytes, size_t size, bool source, struct address *address) {
  memset(address, 0, sizeof *address);
  if (size >= 20 && bytes[0] >> 4 == 4) {
    address->family = AF_INET;
    memcpy(address->bytes, bytes + (source ? 12 : 16), 4);
    return true;
  }
  if (size >= 40 && bytes[0] >> 4 == 6) {
    address->family = AF_INET6;
    memcpy(address->bytes, bytes + (source ? 8 : 24), 16);
    return true;
  }
  return false;
}

static void forward(int from, const uint8_t *bytes, size_t size, uint64_t now) {
  struct address source, target;
  if (!address_in_packet(bytes, size, true, &source) || !address_in_packet(bytes, size, false, &target)) return;
  struct port *port = &ports[from];
  /* As providers do: what a device sends must be from an address of its own, unless it is a router's inner side. */
  if (!port->gateway && address_at(port, &source) < 0) {
    spoofed++;
    return;
  }
  int to = -1;
  for (int i = 0; i < port_count; i++) {
    if (i == from || ports[i].segment != port->segment) continue;
    if (address_at(&ports[i], &target) >= 0) {
      to = i;
      break;
    }
    if (ports[i].gateway && target.bytes[0] != 255 && target.bytes[0] >> 4 != 14) to = i;
  }
  if (to < 0) strays++;
  else enter(link_of(from, to), bytes, size, now);
}

static void read_port(int index) {
  static uint8_t bytes[MAX_PACKET];
  for (int i = 0; i < 128; i++) {
    ssize_t size = read(ports[index].fd, bytes, sizeof bytes);
    if (size <= 0) return;
    forward(index, bytes, (size_t)size, now_ns());
  }
}

static int open_device(const char *namespace, const char *name) {
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), away = open(namespace, O_RDONLY | O_CLOEXEC);
  if (home < 0 || away < 0 || setns(away, CLONE_NEWNET) < 0) return -1;
  close(away);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) < 0) {
    int error = errno;
    close(fd);
    fd = -1;
    errno = error;
  }
  int error = errno;
  if (setns(home, CLONE_NEWNET) < 0) die("setns");
  close(home);
  errno = error;
  return fd;
}

/* A new namespace, without a name: it lasts as long as somebody is in it, or has it open. */
static int create_namespace(void) {
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0 || unshare(CLONE_NEWNET) < 0) return -1;
  int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (setns(home, CLONE_NEWNET) < 0) die("setns");
  close(home);
  return fd;
}

/* ---- commands ---- */

static int command_id;

static void done(int value) { printf("{\"event\":\"answer\",\"id\":%d,\"value\":%d}\n", command_id, value); }

static void refuse(const char *why) {
  printf("{\"event\":\"answer\",\"id\":%d,\"refused\":\"%s\"}\n", command_id, why);
}

static bool parse_address(const char *text, struct address *address) {
  memset(address, 0, sizeof *address);
  address->family = strchr(text, ':') ? AF_INET6 : AF_INET;
  return inet_pton(address->family, text, address->bytes) == 1;
}

static void set_link(struct link *link, char *rest) {
  uint64_t now = now_ns();
  bool had_bursts = link->set.burst_every > 0;
  for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
    char *value = strchr(word, '=');
    size_t i = 0, amount = sizeof names / sizeof *names;
    if (value) *value++ = 0;
    while (i < amount && strcmp(names[i].name, word) != 0) i++;
    if (!value || i == amount) return refuse("no such setting");
    *(double *)((char *)&link->set + names[i].offset) = strtod(value, NULL);
  }
  if (link->set.burst_every > 0 && !had_bursts) {
    link->bad = false;
    link->changes = now + exponential(link->set.burst_every);
  }
  /* What is being transmitted need not wait for an old, slower rate. */
  if (link->head) {
    uint64_t old = link->done;
    transmit_head(link, now);
    if (old < link->done) {
      link->done = old;
      push((struct due){.at = old, .link = link, .turn = ++link->turn});
    }
  }
  done(0);
}

static void print_stats(void) {
  printf("{\"event\":\"answer\",\"id\":%d,\"value\":{\"links\":[", command_id);
  const char *comma = "";
  for (int from = 0; from < port_count; from++) {
    for (int to = 0; to < port_count; to++) {
      struct link *l = links[from][to];
      if (!l) continue;
      printf("%s{\"from\":%d,\"to\":%d,\"sent\":%lu,\"sentBytes\":%lu,\"arrived\":%lu,\"arrivedBytes\":%lu,\"lost\":%lu,"
             "\"cut\":%lu,\"overflowed\":%lu,\"reordered\":%lu,\"queuedBytes\":%lu}",
             comma, from, to, l->sent, l->sent_bytes, l->arrived, l->arrived_bytes, l->lost, l->cut, l->overflowed,
             l->reordered, l->queued);
      comma = ",";
    }
  }
  printf("],\"strays\":%lu,\"spoofed\":%lu}}\n", strays, spoofed);
}

static bool is_port(int index) { return index >= 0 && index < port_count; }

static void obey(char *line) {
  int a, b, c, d, at = 0;
  char path[64];
  char *end = strrchr(line, '"');
  if (sscanf(line, "{\"id\":%d,\"do\":\"%n", &command_id, &at) != 1 || at == 0 || !end) return refuse("no command");
  *end = 0;
  line += at;
  at = 0;
  char text[64];
  struct address address;
  if (strcmp(line, "namespace") == 0) {
    int fd = create_namespace();
    if (fd < 0) return refuse(strerror(errno));
    printf("{\"event\":\"answer\",\"id\":%d,\"value\":\"/proc/%d/fd/%d\"}\n", command_id, getpid(), fd);
    return;
  }
  if (sscanf(line, "port %63s %15s %d %d", path, text, &c, &d) == 4) {
    if (port_count == MAX_PORTS) return refuse("too many ports");
    int fd = open_device(path, text);
    if (fd < 0) return refuse(strerror(errno));
    ports[port_count] = (struct port){.fd = fd, .segment = c, .gateway = d != 0};
    return done(port_count++);
  }
  if (sscanf(line, "address %d %63s", &a, text) == 2) {
    if (!is_port(a) || !parse_address(text, &address)) return refuse("no such port, or no address");
    if (ports[a].amount == MAX_ADDRESSES) return refuse("too many addresses");
    ports[a].addresses[ports[a].amount++] = address;
    return done(0);
  }
  if (sscanf(line, "forget %d %63s", &a, text) == 2) {
    if (!is_port(a) || !parse_address(text, &address)) return refuse("no such port, or no address");
    int place = address_at(&ports[a], &address);
    if (place < 0) return refuse("it has no such address");
    ports[a].addresses[place] = ports[a].addresses[--ports[a].amount];
    return done(0);
  }
  if (sscanf(line, "link %d %d %n", &a, &b, &at) == 2 && at > 0) {
    if (!is_port(a) || !is_port(b)) return refuse("no such port");
    return set_link(link_of(a, b), line + at);
  }
  if (sscanf(line, "seed %lu", &random_state) == 1) {
    random_state = random_state * 0x9E3779B97F4A7C15u + 1; /* It must not be 0. */
    if (random_state == 0) random_state = 1;
    return done(0);
  }
  if (strcmp(line, "stats") == 0) return print_stats();
  refuse("no such command");
}

/* False: the standard input has ended. */
static bool read_commands(void) {
  static char buffer[LINE];
  static size_t used;
  ssize_t size = read(STDIN_FILENO, buffer + used, sizeof buffer - used);
  if (size <= 0) return false;
  used += (size_t)size;
  char *start = buffer, *end;
  while ((end = memchr(start, '\n', used - (size_t)(start - buffer)))) {
    *end = 0;
    obey(start);
    start = end + 1;
  }
  used -= (size_t)(start - buffer);
  memmove(buffer, start, used);
  fflush(stdout);
  return used < sizeof buffer;
}

static void run(void) {
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1);
  setpriority(PRIO_PROCESS, 0, -15); /* Its delays should be the links', not those of a busy machine. */
  for (;;) {
    run_due();
    struct pollfd fds[MAX_PORTS + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    for (int i = 0; i < port_count; i++) fds[i + 1] = (struct pollfd){.fd = ports[i].fd, .events = POLLIN};
    int polled = port_count;
    struct timespec wait = {0, 0};
    if (heap_size > 0) {
      uint64_t now = now_ns(), at = heap[0].at, left = at > now ? at - now : 0;
      wait = (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    }
    if (ppoll(fds, (nfds_t)polled + 1, heap_size > 0 ? &wait : NULL, NULL) < 0 && errno != EINTR) die("ppoll");
    if (fds[0].revents && !read_commands()) exit(0);
    for (int i = 0; i < polled; i++) {
      if (fds[i + 1].revents) read_port(i);
    }
  }
}

static void execute(char *path, char **command) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die(path);
  if (setns(fd, CLONE_NEWNET) < 0) die("setns");
  execvp(command[0], command);
  die(command[0]);
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "check") == 0) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", create_namespace());
    if (open_device(path, "net0") < 0) die("no network namespaces or no TUN devices");
    return 0;
  }
  if (count == 2 && strcmp(arguments[1], "run") == 0) run();
  if (count > 3 && strcmp(arguments[1], "exec") == 0) execute(arguments[2], arguments + 3);
  fprintf(stderr, "usage: world check | world run | world exec <namespace> <command>...\n");
  return 2;
}
