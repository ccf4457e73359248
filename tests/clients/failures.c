/* What goes wrong must look to a library in a coroutine as it looks to one in a thread: refused and silent servers, time limits, killed
 * sessions, wrong certificates. Client N runs scene N mod the number of scenes and notes what its library reported. The notes are
 * printed at the end, a line each, so that those of a serial run can be compared with those of coroutines: PROGRAM MODE [ROUNDS]. */
#define HUNDRED_NO_MAIN
#include "curl.c"
#include "mariadb.c"
#include "openssl.c"
#include "postgres.c"
#include "redis.c"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { NOTE = 512, REFUSING = 1 };

struct note {
  char text[NOTE];
  size_t length;
};
static struct note notes[1000];
static int silent_port;  /* of a listener whose kernel accepts and who never answers */
static int crowded_port; /* of a listener whose queue is full: a connection never comes about */

static void note(struct note *note, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct note *note, const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  int length = vsnprintf(note->text + note->length, NOTE - note->length, format, rest);
  va_end(rest);
  if (length > 0 && (note->length += (size_t)length) >= NOTE) note->length = NOTE - 1;
}

/* Whether what began at START took from LEAST to five seconds: never early, and not until some other limit. */
static void took(struct note *to, double start, double least) {
  double seconds = hundred_now() - start;
  note(to, " %s", seconds < least ? "too early" : seconds > 5 ? "too late" : "in time");
}

static void redis_refused(struct note *to, int number) {
  (void)number;
  redisContext *redis = redisConnectWithTimeout(redis_host, REFUSING, (struct timeval){3, 0});
  note(to, "redis refused: %d %s", redis->err, redis->errstr);
  redisFree(redis);
}

static void redis_silent(struct note *to, int number) {
  (void)number;
  redisContext *redis = redisConnect(redis_host, silent_port);
  redisSetTimeout(redis, (struct timeval){0, 100000});
  double start = hundred_now();
  redisReply *reply = redisCommand(redis, "PING");
  note(to, "redis silent: %s, %d %s", reply ? "answer" : "none", redis->err, redis->errstr);
  took(to, start, 0.1);
  redisFree(redis);
}

static void redis_crowded(struct note *to, int number) {
  (void)number;
  double start = hundred_now();
  redisContext *redis = redisConnectWithTimeout(redis_host, crowded_port, (struct timeval){0, 100000});
  note(to, "redis crowded: %d %s", redis->err, redis->errstr);
  took(to, start, 0.1);
  redisFree(redis);
}

static void redis_killed(struct note *to, int number) {
  redisContext *redis = redisConnect(redis_host, redis_port), *other = redisConnect(redis_host, redis_port);
  redisReply *reply = redisCommand(redis, "CLIENT ID");
  redisAppendCommand(redis, "BLPOP empty:%d 5", number);
  int done = 0;
  redisBufferWrite(redis, &done);
  usleep(20000); /* redis must have read the command, else its closing resets the connection */
  freeReplyObject(redisCommand(other, "CLIENT KILL ID %lld", reply->integer));
  freeReplyObject(reply);
  redisReply *answer = NULL;
  int got = redisGetReply(redis, (void **)&answer);
  note(to, "redis killed: %d, %d %s", got, redis->err, redis->errstr);
  redisFree(redis);
  redisFree(other);
}

static void redis_missing(struct note *to, int number) {
  (void)number;
  redisContext *redis = redisConnectUnix("/nothing/here");
  note(to, "redis missing: %d %s", redis->err, redis->errstr);
  redisFree(redis);
}

static void postgres_refused(struct note *to, int number) {
  (void)number;
  char settings[128];
  snprintf(settings, sizeof settings, "host=%s port=%d user=tester", redis_host, REFUSING);
  PGconn *connection = PQconnectdb(settings);
  note(to, "postgres refused: %d %s", PQstatus(connection), PQerrorMessage(connection));
  PQfinish(connection);
}

static void postgres_statement(struct note *to, const char *name, const char *statement) {
  PGconn *connection = PQconnectdb(postgres_settings);
  PGresult *result = PQexec(connection, statement);
  note(to, "postgres %s: %s %s status %d", name, PQresStatus(PQresultStatus(result)), PQerrorMessage(connection), PQstatus(connection));
  PQclear(result);
  PQfinish(connection);
}

static void postgres_limit(struct note *to, int number) {
  (void)number;
  postgres_statement(to, "limit", "set statement_timeout = 100; select pg_sleep(10)");
}

static void postgres_killed(struct note *to, int number) {
  (void)number;
  postgres_statement(to, "killed", "select pg_terminate_backend(pg_backend_pid())");
}

static void mariadb_refused(struct note *to, int number) {
  (void)number;
  MYSQL *connection = mysql_init(NULL);
  MYSQL *connected = mysql_real_connect(connection, mariadb_host, "root", NULL, NULL, REFUSING, NULL, 0);
  note(to, "mariadb refused: %s %u %s", connected ? "connected" : "no", mysql_errno(connection), mysql_error(connection));
  mysql_close(connection);
}

static void mariadb_silent(struct note *to, int number) {
  (void)number;
  unsigned limit = 1;
  MYSQL *connection = mysql_init(NULL);
  mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &limit);
  double start = hundred_now();
  MYSQL *connected = mysql_real_connect(connection, mariadb_host, "root", NULL, NULL, (unsigned)silent_port, NULL, 0);
  note(to, "mariadb silent: %s %u %s", connected ? "connected" : "no", mysql_errno(connection), mysql_error(connection));
  took(to, start, 1);
  mysql_close(connection);
}

static void mariadb_limit(struct note *to, int number) {
  (void)number;
  unsigned limit = 1;
  MYSQL *connection = mysql_init(NULL);
  mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &limit);
  mysql_real_connect(connection, mariadb_host, "root", NULL, NULL, mariadb_port, NULL, 0);
  double start = hundred_now();
  int failed = mysql_query(connection, "select sleep(4)");
  note(to, "mariadb limit: %s %u %s", failed ? "failed" : "answered", mysql_errno(connection), mysql_error(connection));
  took(to, start, 1);
  mysql_close(connection);
}

static void mariadb_killed(struct note *to, int number) {
  (void)number;
  MYSQL *connection = mysql_init(NULL);
  mysql_real_connect(connection, mariadb_host, "root", NULL, NULL, mariadb_port, NULL, 0);
  int failed = mysql_query(connection, "kill connection_id()");
  note(to, "mariadb killed: %s %u", failed ? "failed" : "answered", mysql_errno(connection));
  failed = mysql_query(connection, "select 1");
  note(to, ", then %s %u %s", failed ? "failed" : "answered", mysql_errno(connection), mysql_error(connection));
  mysql_close(connection);
}

static void curl_one(struct note *to, const char *name, const char *host, int port, const char *path, long limit_ms) {
  char url[160];
  struct page page = {NULL, 0};
  long status = 0;
  CURL *curl = curl_easy_init();
  snprintf(url, sizeof url, "http://%s:%d%s", host, port, path);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, limit_ms);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &page);
  double start = hundred_now();
  CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  note(to, "curl %s: %d %ld %zu", name, code, status, page.length);
  if (code == CURLE_OPERATION_TIMEDOUT) took(to, start, (double)limit_ms / 1000);
  free(page.bytes);
  curl_easy_cleanup(curl);
}

static void curl_refused(struct note *to, int number) {
  (void)number;
  curl_one(to, "refused", redis_host, REFUSING, "/", 3000);
}

static void curl_silent(struct note *to, int number) {
  (void)number;
  curl_one(to, "silent", redis_host, silent_port, "/", 100);
}

static void curl_status(struct note *to, int number) {
  (void)number;
  curl_one(to, "status", redis_host, atoi(hundred_setting("HTTP_PORT")), "/status/404", 3000);
}

static void openssl_one(struct note *to, const char *name, int port, int verified, int limit_ms) {
  char address[64], answer[64], reason[256] = "none";
  SSL *ssl = NULL;
  BIO *bio = BIO_new_ssl_connect(openssl_context);
  BIO_get_ssl(bio, &ssl);
  if (verified) SSL_set1_host(ssl, "another.example.org");
  snprintf(address, sizeof address, "%s:%d", openssl_host, port);
  BIO_set_conn_hostname(bio, address);
  ERR_clear_error();
  long connected = BIO_do_connect(bio);
  double start = hundred_now();
  if (connected > 0 && limit_ms) {
    struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};
    setsockopt(SSL_get_fd(ssl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  errno = 0;
  int got = connected > 0 ? BIO_read(bio, answer, sizeof answer) : -2;
  int saved = errno, error = SSL_get_error(ssl, got);
  unsigned long code = ERR_get_error();
  if (code) snprintf(reason, sizeof reason, "%s", ERR_reason_error_string(code) ? ERR_reason_error_string(code) : "unnamed");
  note(to, "openssl %s: %s, read %d, error %d, %s, verify %ld", name, connected > 0 ? "connected" : "not connected", got, connected > 0 ? error : 0, reason,
       SSL_get_verify_result(ssl));
  if (limit_ms) {
    note(to, ", %s", strerror(saved));
    took(to, start, limit_ms / 1000.0);
  }
  BIO_free_all(bio);
  ERR_clear_error();
}

static void openssl_refused(struct note *to, int number) {
  (void)number;
  openssl_one(to, "refused", REFUSING, 0, 0);
}

static void openssl_other(struct note *to, int number) {
  openssl_one(to, "another name", openssl_port + number % openssl_count, 1, 0);
}

static void openssl_plain(struct note *to, int number) {
  (void)number;
  openssl_one(to, "no TLS", atoi(hundred_setting("HTTP_PORT")), 0, 0);
}

static void openssl_limit(struct note *to, int number) {
  openssl_one(to, "limit", openssl_port + number % openssl_count, 0, 100);
}

/* Between the failures, clients that must not notice them. */
#define WELL(library) \
  static void library##_well(struct note *to, int number) { note(to, #library " well: %d", library##_client(number)); }
WELL(redis)
WELL(postgres)
WELL(mariadb)
WELL(curl)
WELL(openssl)

static void (*const scenes[])(struct note *, int) = {
    redis_refused,  redis_silent,  redis_crowded, redis_killed,    redis_missing,  redis_well,
    postgres_refused, postgres_limit, postgres_killed, postgres_well,
    mariadb_refused, mariadb_silent, mariadb_limit, mariadb_killed, mariadb_well,
    curl_refused, curl_silent, curl_status, curl_well,
    openssl_refused, openssl_other, openssl_plain, openssl_limit, openssl_well,
};

static int scene(int number) {
  scenes[(size_t)number % (sizeof scenes / sizeof *scenes)](&notes[number], number);
  return 0;
}

/* A listener with a queue of this length; the port it got. */
static int listens(int queue) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  inet_pton(AF_INET, redis_host, &address.sin_addr);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, queue) ||
      getsockname(listener, (struct sockaddr *)&address, &length))
    exit(wrong(0, "listener: %s", strerror(errno)));
  for (int i = 0; queue == 0 && i < 4; i++) connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&address, sizeof address);
  return ntohs(address.sin_port);
}

int main(int argc, char **argv) {
  int all = (int)(sizeof scenes / sizeof *scenes) * (argc > 2 ? atoi(argv[2]) : 1);
  char count[16], *arguments[] = {argv[0], argc > 1 ? argv[1] : "", count, NULL};

  redis_prepare();
  postgres_prepare();
  mariadb_prepare();
  curl_prepare();
  openssl_prepare();
  silent_port = listens(512);
  crowded_port = listens(0);

  snprintf(count, sizeof count, "%d", all);
  int failed = hundred(3, arguments, scene);
  for (int i = 0; i < all; i++) {
    for (char *c = notes[i].text; *c; c++)
      if (strchr("\n\t", *c)) *c = ' ';
    puts(notes[i].text);
  }
  return failed;
}
