/* Many connections to a mariadbd that are all open at once: each writes rows and reads them back.
   Usage: mariadb SOCKET PID CONNECTIONS. Prints what tests/threads_mode/client.py does. */
#include <dirent.h>
#include <mysql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 20 };
static const char *path;
static pthread_barrier_t gate;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int mistakes;

/* Whether the only row that a query gives is `wanted`. */
static int gives(MYSQL *session, const char *query, const char *wanted) {
  if (mysql_query(session, query)) {
    fprintf(stderr, "client: %s: %s\n", query, mysql_error(session));
    return 0;
  }
  MYSQL_RES *result = mysql_store_result(session);
  MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
  int same = wanted ? row && row[0] && strcmp(row[0], wanted) == 0 : 1;
  if (!same) fprintf(stderr, "client: %s: %s\n", query, row && row[0] ? row[0] : "nothing");
  if (result) mysql_free_result(result);
  return same;
}

static void *works(void *argument) {
  long number = (long)argument;
  int right = 1;
  char query[200], wanted[40];
  MYSQL *session = mysql_init(NULL);
  right &= mysql_real_connect(session, NULL, "root", NULL, "trial", 0, path, 0) != NULL;
  if (!right) fprintf(stderr, "client: %s\n", mysql_error(session));
  /* Nobody goes on before all are connected. */
  pthread_barrier_wait(&gate);
  for (int i = 0; right && i < ROWS; i++) {
    snprintf(query, sizeof query, "insert into numbers values (%ld, %d, repeat('%ld', 100))", number, i, number);
    right &= gives(session, query, NULL);
  }
  snprintf(query, sizeof query, "select sum(n) + count(*) + sum(text = repeat('%ld', 100)) from numbers where who = %ld", number, number);
  snprintf(wanted, sizeof wanted, "%d", ROWS * (ROWS - 1) / 2 + 2 * ROWS);
  right = right && gives(session, query, wanted) && gives(session, "select sleep(0.05)", "0");
  pthread_barrier_wait(&gate);
  mysql_close(session);
  pthread_mutex_lock(&lock);
  mistakes += !right;
  pthread_mutex_unlock(&lock);
  return NULL;
}

/* Threads of a process, without the helpers of colib. */
static int count_threads(const char *pid) {
  char name[300], comm[40];
  int threads = 0;
  snprintf(name, sizeof name, "/proc/%s/task", pid);
  DIR *tasks = opendir(name);
  for (struct dirent *task; tasks && (task = readdir(tasks));) {
    if (task->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "/proc/%s/task/%s/comm", pid, task->d_name);
    FILE *file = fopen(name, "r");
    if (!file) continue;
    threads += fgets(comm, sizeof comm, file) && strcmp(comm, "colib-helper\n") != 0;
    fclose(file);
  }
  closedir(tasks);
  return threads;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  path = arguments[1];
  int sessions = atoi(arguments[3]);
  MYSQL *session = mysql_init(NULL);
  if (!mysql_real_connect(session, NULL, "root", NULL, NULL, 0, path, 0)) return 1;
  gives(session, "create or replace database trial", NULL);
  gives(session, "create table trial.numbers (who int, n int, text varchar(400), primary key (who, n)) engine=innodb", NULL);
  pthread_t *threads = calloc((size_t)sessions, sizeof *threads);
  pthread_barrier_init(&gate, NULL, (unsigned)sessions + 1);
  for (long i = 0; i < sessions; i++) pthread_create(&threads[i], NULL, works, (void *)i);
  pthread_barrier_wait(&gate);
  int server_threads = count_threads(arguments[2]);
  pthread_barrier_wait(&gate);
  for (int i = 0; i < sessions; i++) pthread_join(threads[i], NULL);
  printf("connections=%d mistakes=%d threads=%d\n", sessions, mistakes, server_threads);
  mysql_close(session);
  return 0;
}
